"""A row of the zoo: one visual Transformer, its place in the taxonomy, its figures, and what builds it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal, get_args

Task = Literal["classification", "detection", "segmentation"]
Library = Literal["timm", "transformers", "torchvision", "avtool"]
Standing = Literal["paper", "card", "memory", "measured", "user"]
STANDINGS: Mapping[Standing, str] = {
    "paper": "the paper's own table",
    "card": "a model card, a README, or the table of a project that ships the model",
    "memory": "the paper's figure as remembered: compare it with the paper before you quote it",
    "measured": "counted by `avtool zoo count`",
    "user": "a row of your own, without another source",
}
"""Where a figure comes from, as its source begins: `card: timm results table`."""
METRICS = ("top-1", "box AP", "mask AP", "mIoU", "PQ", "DSC")
"""What a score is: ImageNet-1k, COCO, COCO, ADE20K as the note has it, COCO, Synapse."""
TOLERANCE = 0.02
"""Relative difference up to which a counted figure agrees with a published one."""

TIMM = "timm:"
"""How the name of a row begins that is no row of the catalogue but any network of timm."""

_SIZE = re.compile(r"(\d+)(?:x(\d+))?")
_KEY = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Attributes:
        value: as printed, with its digits.
        source: STANDING, or `STANDING: WHAT`.
    """

    value: Decimal
    source: str

    def agrees(self, counted: float, tolerance: float = TOLERANCE) -> bool:
        """Whether a counted figure is within the tolerance, or half a unit of the last printed digit."""
        return self.difference(counted) <= tolerance or self.rounds(counted)

    def difference(self, counted: float) -> float:
        """The absolute relative difference of a counted figure."""
        return abs(counted / float(self.value) - 1)

    def rounds(self, counted: float) -> bool:
        """Whether a counted figure is within half a unit of the last printed digit."""
        exponent = self.value.as_tuple().exponent
        assert isinstance(exponent, int), "a catalogue has finite numbers"
        return abs(counted - float(self.value)) <= 0.5 * 10.0**exponent + 1e-9


@dataclass(frozen=True)
class Row:
    """A visual Transformer. Empty text and None mean unknown.

    Attributes:
        name: unique.
        year: of the paper.
        venue: of the paper.
        task: what it was published for.
        heading, group: the two levels of the survey's taxonomy.
        motivation, structure, scenario: in a few words.
        library: what builds it.
        builder: `NAME` or `NAME|ARG`: of timm the network and keyword arguments as JSON; of transformers the
            class and its configuration as JSON, or the word of a backbone; of torchvision the name.
        image_size: `SIDE` or `HEIGHTxWIDTH`, in pixels; the size at which its MACs are counted.
        params_m, macs_g, score: published parameters (millions), multiply-accumulates (billions), and score.
        metric: of the score: one of `METRICS`.
        params_m_measured, macs_g_measured: counted by avtool.
        reason: why published and counted figures differ by more than the tolerance.
        note: anything else.
    """

    name: str
    year: int | None = None
    venue: str = ""
    task: Task = "classification"
    heading: str = ""
    group: str = ""
    motivation: str = ""
    structure: str = ""
    scenario: str = ""
    library: Library | None = None
    builder: str = ""
    image_size: str = ""
    params_m: Figure | None = None
    macs_g: Figure | None = None
    score: Figure | None = None
    metric: str = ""
    params_m_measured: float | None = None
    macs_g_measured: float | None = None
    reason: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """The name as one writes it on a command line: `swin-b-384`, `timm:resnet18`."""
        return self.name if self.name.startswith(TIMM) else key_of(self.name)

    @property
    def is_built(self) -> bool:
        """Whether something builds it."""
        return self.library is not None

    @property
    def target(self) -> str:
        """The network or class that the builder names."""
        return self.builder.partition("|")[0]

    @cached_property
    def argument(self) -> str | dict[str, Any]:
        """The builder's argument: keyword arguments, or a word."""
        _, _, text = self.builder.partition("|")
        return json.loads(text) if text.startswith("{") else text

    @cached_property
    def size(self) -> tuple[int, int] | None:
        """Height and width in pixels."""
        found = _SIZE.fullmatch(self.image_size)
        return (int(found[1]), int(found[2] or found[1])) if found else None

    def to_json(self) -> dict[str, Any]:
        """The columns of the catalogue by name, with numbers as numbers and None for what is unknown."""
        values: dict[str, Any] = {"name": self.name, "key": self.key}
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if field.name in SOURCES:
                values[field.name] = None if value is None else float(value.value)
                values[SOURCES[field.name]] = None if value is None else value.source
            else:
                values[field.name] = None if value == "" else value
        return values


SOURCES = {"params_m": "params_source", "macs_g": "macs_source", "score": "score_source"}
"""The columns with published figures, and those with their sources."""
_NUMBERS = ("params_m_measured", "macs_g_measured")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "task": get_args(Task), "library": ("", *get_args(Library)), "metric": ("", *METRICS)
}  # fmt: skip
COLUMNS = tuple(
    column
    for field in fields(Row)
    for column in (field.name, *([SOURCES[field.name]] if field.name in SOURCES else []))
)
"""The columns of a catalogue, in order."""


class CellError(ValueError):
    """A value that its column does not take.

    Args:
        column: its name.
        value: as written.
        wanted: what the column takes.
    """

    def __init__(self, column: str, value: str, wanted: str) -> None:
        super().__init__(f"column `{column}`: `{value:.60}` is {wanted}")


def parse_row(cells: Mapping[str, str], source: str) -> Row:
    """A row from the cells of a CSV file, by column; columns that are absent are unknown.

    Args:
        cells: texts by column.
        source: of figures whose source is not given.

    Raises:
        CellError: a cell has a value that its column does not take.
    """
    texts = {column: (cells.get(column) or "").strip() for column in COLUMNS}
    values: dict[str, Any] = {**texts}
    if not texts["name"]:
        raise CellError("name", "", "empty")
    texts["task"] = texts["task"] or "classification"
    for column, known in _CHOICES.items():
        if texts[column] not in known:
            raise CellError(column, texts[column], f"none of {', '.join(filter(None, known))}")
    year = texts["year"]
    if year and not (year.isdecimal() and 1900 < int(year) < 2200):
        raise CellError("year", year, "no year")
    if texts["image_size"] and not _SIZE.fullmatch(texts["image_size"]):
        raise CellError("image_size", texts["image_size"], "no SIDE or HEIGHTxWIDTH in pixels")
    for column, origin in SOURCES.items():
        values[column] = _figure(column, texts, values.pop(origin) or source)
    for column in _NUMBERS:
        values[column] = float(_number(column, texts[column])) if texts[column] else None
    _check_builder(texts)
    values |= {
        "task": texts["task"],
        "library": texts["library"] or None,
        "year": int(year) if year else None,
    }
    return Row(**values)


def _figure(column: str, texts: Mapping[str, str], source: str) -> Figure | None:
    if not texts[column]:
        return None
    if source.partition(":")[0] not in STANDINGS:
        raise CellError(SOURCES[column], source, f"no source: begin it with {', '.join(STANDINGS)}")
    return Figure(_number(column, texts[column]), source)


def _number(column: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 < number < 10**7):
        raise CellError(column, text, "no positive number")
    return number


def _check_builder(texts: Mapping[str, str]) -> None:
    """Checks that library and builder are there together, and that an argument in JSON is an object."""
    name, _, argument = texts["builder"].partition("|")
    if bool(texts["library"]) != bool(name):
        column, other = ("builder", "library") if texts["library"] else ("library", "builder")
        raise CellError(column, texts[column], f"empty, and `{other}` is not: give both or neither")
    if argument.startswith("{"):
        try:
            json.loads(argument)
        except ValueError as error:
            raise CellError("builder", argument, f"no JSON ({error})") from error


def key_of(name: str) -> str:
    """A name as one writes it on a command line: small letters, digits and hyphens."""
    return _KEY.sub("-", name.lower().replace("+", " plus ")).strip("-")
