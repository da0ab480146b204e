"""The settings of `avtool fetch`: every key, its default and its help text."""

from pathlib import Path
from typing import Literal

from pydantic import ByteSize

from avtool.core.recipe import Recipe, option


class FetchRecipe(Recipe):
    """`avtool fetch`."""

    captions: Literal["human", "any", "none"] = option(
        "human",
        "Captions a film must have: by people, any (else automatic ones), or none (fetch no captions).",
        flag="--captions",
    )
    language: str = option(
        "en",
        "Language of the captions; `en` takes en-US and en-GB too.",
        flag="--lang",
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$",
    )
    max_height: int = option(
        480, "Largest frame height in pixels, where there is a choice.", flag="--max-height", ge=1
    )
    max_films: int = option(
        100, "Films taken from one playlist, channel or page, from its start.", flag="--max-films", ge=1
    )
    max_size: ByteSize = option(
        "4GB",
        "Largest media file; a larger one is a failure.",
        flag="--max-size",
        ge=1,
        validate_default=True,
    )
    limit_rate: ByteSize | None = option(
        None, "Bytes a second at most, such as 2M.", flag="--limit-rate", ge=1
    )
    sleep: float = option(1.0, "Seconds to wait before each download.", flag="--sleep", ge=0)
    retries: int = option(5, "Attempts after a broken connection.", flag="--retries", ge=0)
    timeout: float = option(30.0, "Seconds to wait for a silent server.", gt=0)
    cookies: Path | None = option(
        None, "A Netscape cookie file to send; by default no cookies are sent.", flag="--cookies"
    )
    overwrite: bool = option(False, "Fetch again what is there already.", flag="--overwrite")
