"""Styles of sound captions: the published guides' numbers, and those of your own."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from avtool.core.errors import BadInputError
from avtool.core.files import is_file
from avtool.core.recipe import Recipe, option, read_recipe_file, validate

_LEAST_INTERVAL = 10
_STYLES = Path(__file__).parent / "styles.toml"


class CaptionStyle(Recipe):
    """What well-formed sound captions look like.

    Lengths count characters with brackets and spaces. Times are seconds. Defaults are Netflix's.
    """

    opening: str = option("[", "What opens a sound caption; empty for none.", max_length=3)
    closing: str = option("]", "What closes a sound caption; empty for none.", max_length=3)
    case: Literal["lower", "upper"] = option("lower", "Case of the phrase; names keep their capitals.")
    names: tuple[str, ...] = option((), "Proper names, which keep their capitals.")
    max_chars: int = option(42, "Most characters a line.", ge=10, le=100)
    max_lines: int = option(2, "Most lines a cue, dialogue included.", ge=1, le=4)
    cps: float = option(17.0, "Reading rate, characters a second.", ge=5, le=40)
    min_duration: float = option(5 / 6, "Shortest cue, s.", ge=0.1, le=5)
    max_duration: float = option(7.0, "Longest cue, s.", ge=1, le=60)
    lead: float = option(0.0, "How early a cue starts before the onset, s.", ge=0, le=0.5)
    shift: float = option(0.5, "How far a cue may move to find room, s.", ge=0, le=0.5)
    linger: float = option(0.5, "How long a cue may stay after its event to close a gap, s.", ge=0, le=5)
    fps: float = option(24.0, "Frames a second, which gaps count in.", ge=1, le=240)
    gap_frames: int = option(2, "Least gap between two cues, frames.", ge=0, le=24)
    close_gap: float = option(0.5, "Gaps shorter than this are closed to the least gap, s.", ge=0, le=3)
    merge_gap: float = option(2.0, "Longest gap between events of one text that become one cue, s.", ge=0)
    sustained_after: float = option(7.0, "Duration from which an event is sustained, s.", ge=1)
    sustained_duration: float = option(5.0, "Longest cue of a sustained event, s.", ge=1)
    continues_every: float = option(
        0.0, "Interval of `… continues` in a sustained event, s; 0 disables.", ge=0
    )
    repeat_within: float = option(10.0, "Time after an event in which its text is not repeated, s.", ge=0)
    resume_within: float = option(
        0.0,
        "Time after the cue of a sustained sound in which it has no other when it resumes, s; 0 disables.",
        ge=0,
    )
    repeat_margin: float = option(0.2, "Score above the threshold that repeats a text all the same.", ge=0)
    overlap: float = option(0.5, "Share of the shorter event from which two become two lines.", gt=0, le=1)
    interval: float = option(2.0, "Least time between the starts of two cues, s.", ge=0, le=60)
    per_minute: int = option(12, "Most cues in any minute.", ge=1, le=60)

    @model_validator(mode="after")
    def _check(self) -> "CaptionStyle":
        if self.min_duration > self.max_duration:
            raise ValueError(
                f"min_duration {self.min_duration:g} s is over max_duration {self.max_duration:g} s"
            )
        if self.sustained_duration > self.max_duration:
            longest = f"max_duration {self.max_duration:g} s"
            raise ValueError(f"sustained_duration {self.sustained_duration:g} s is over {longest}")
        if 0 < self.continues_every < _LEAST_INTERVAL:
            raise ValueError(
                f"continues_every is {self.continues_every:g} s: give at least {_LEAST_INTERVAL} s, or 0"
            )
        for name in ("opening", "closing"):
            value = getattr(self, name)
            if not value.isprintable() or "<" in value or ">" in value or value != value.strip():
                raise ValueError(f"`{name}` is {value!r}: give printable signs, no spaces, `<` or `>`")
        return self

    @property
    def gap_ms(self) -> int:
        """The least gap in whole milliseconds, not under `gap_frames`."""
        return -int(-1000 * self.gap_frames // self.fps)


def style_names() -> list[str]:
    """The names of the styles that ship."""
    return list(_shipped())


def load_style(name: str | Path = "netflix", **changes: Any) -> CaptionStyle:
    """A style by name, or from a TOML or JSON file of its keys.

    A file may name the style that it starts from as `base = "bbc"`, and `extends` another TOML file.

    Args:
        name: `netflix`, `dcmp`, `bbc`, or a file.
        **changes: keys that are set over it; None stands for "not given".

    Raises:
        BadInputError: there is no such style or file, or a value is out of its range; all are named.
    """
    shipped = _shipped()
    if str(name) in shipped:
        values: dict[str, Any] = dict(shipped[str(name)])
    else:
        values = _read(Path(name), list(shipped))
        base = values.pop("base", "netflix")
        if base not in shipped:
            raise BadInputError(
                f"{name}: no style is called `{base!s:.60}`", f"base is one of {', '.join(shipped)}"
            )
        values = {**shipped[base], **values}
    values |= {key: value for key, value in changes.items() if value is not None}
    return validate(CaptionStyle, values, origin=f"caption style `{name}`")


def _shipped() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(_STYLES.read_text(encoding="utf-8"))


def _read(path: Path, names: list[str]) -> dict[str, Any]:
    if path.suffix not in {".toml", ".json"}:
        hint = f"give {', '.join(names)}, or a .toml or .json file"
        raise BadInputError(f"no caption style is called `{path}`", hint)
    if path.suffix == ".toml":
        return read_recipe_file(path)
    if not is_file(path):
        raise BadInputError(f"caption style `{path}` is not there", "check the name")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"caption style `{path}` is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadInputError(
            f"caption style `{path}` is no JSON object", 'write {"base": "netflix", "cps": 15}'
        )
    return values
