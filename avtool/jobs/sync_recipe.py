"""The settings of `avtool sync`."""

from typing import Literal

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.mining.recipe import SyncRecipe


class SyncCaptionsRecipe(Recipe):
    """`avtool sync`."""

    language: str = option("en", "Language of the captions to prefer.", flag="--lang")
    audio_stream: int | None = option(None, "Audio stream to listen to.", flag="--audio-stream", ge=0)
    format: Literal["srt", "vtt"] | None = option(
        None, "Format of the result; by default what its name says.", flag="--format"
    )
    sync: SyncRecipe = Field(default_factory=SyncRecipe)
