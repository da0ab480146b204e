"""The settings of `avtool caption`."""

from typing import Any, Literal

from pydantic import model_validator

from avtool.captioning.style import CaptionStyle, load_style
from avtool.core.recipe import listed, option
from avtool.inference.captioner import ModelOptions

Format = Literal["vtt", "srt", "ttml", "json"]


class CaptionRecipe(ModelOptions):
    """`avtool caption`."""

    formats: tuple[Format, ...] = option(
        ("vtt", "srt"), "Formats of the captions: vtt, srt, ttml, json.", flag="--format", min_length=1
    )
    merge: str = option(
        "",
        "Dialogue to merge with: a caption file, `auto` (beside or in the film), or stream:N.",
        flag="--merge",
    )
    style: str = option(
        "netflix", "Style of the captions: netflix, dcmp, bbc, or a TOML file of your own.", flag="--style"
    )
    cps: float | None = option(
        None, "Reading rate in characters per second.  [default: the style's]", flag="--cps", ge=5, le=40
    )
    style_keys: dict[str, Any] = option(
        {}, "Keys of the style to change, such as { max_chars = 32, per_minute = 6 }."
    )
    preview: bool = option(
        True,
        "A page of each film: player, timeline, cues, scores, spectrogram.",
        flag="--preview",
        identity=False,
    )
    srt_position: bool = option(
        False, "Cues at the top of the frame in SubRip, by {\\an8}; without, they are dropped there.",
        flag="--srt-position",
    )  # fmt: skip
    crlf: bool = option(False, "Windows line ends in SubRip.", flag="--crlf")
    bom: bool = option(False, "Byte order mark in SubRip.", flag="--bom")

    @model_validator(mode="before")
    @classmethod
    def _one_format(cls, values: Any) -> Any:
        if isinstance(values, dict) and "formats" in values:
            return {**values, "formats": tuple(dict.fromkeys(listed(values["formats"])))}  # type: ignore[call-overload]
        return values

    def options(self) -> ModelOptions:
        """What the model is opened with."""
        return ModelOptions(**{name: getattr(self, name) for name in ModelOptions.model_fields})

    def caption_style(self) -> CaptionStyle:
        """The style with the changes.

        Raises:
            BadInputError: there is no such style, or a value is out of its range.
        """
        return load_style(self.style, cps=self.cps, **self.style_keys)
