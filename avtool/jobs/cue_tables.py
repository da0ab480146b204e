"""Tables of cues: those to label, and those with labels of the lexicon and of taxonomies."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of, write_csv
from avtool.data.few_shot.examples import read_table
from avtool.mining.cue_class import CueClass, review_rows
from avtool.mining.sound_tag import SoundTag
from avtool.models.model_files import weights_file

KIND = "kind"
_COLUMNS = ("cue_id", "text", "sound", "source", "quality")
_NAME = re.compile(r"[^\W\d_][\w-]*")


@dataclass(frozen=True)
class Cue:
    """A cue: its id, and its text as it stands in the captions."""

    cue_id: str
    text: str


@dataclass(frozen=True)
class CueLabels:
    """A cue's labels: those of the lexicon, and its class in each taxonomy by the taxonomy's name."""

    cue: Cue
    tag: SoundTag
    classes: dict[str, CueClass]


def read_cues(path: Path) -> list[Cue]:
    """Cues of a table with the columns `cue_id` (optional) and `text`.

    Raises:
        BadInputError: it cannot be read, has no column `text`, or an id comes twice; with the rows.
    """
    table = read_table(path, needed=["text"])
    if "text" not in table.header:
        message = f"`{path}` has no column `text`"
        raise BadInputError(message, "its first line names the columns: cue_id,text")
    text = table.header.index("text")
    number = table.header.index("cue_id") if "cue_id" in table.header else -1
    cues, first = [], dict[str, int]()
    for row, cells in table.rows:
        name = cells[number] if number >= 0 else str(row)
        if name in first:
            message = f"`{path}` rows {first[name]} and {row}: the cue_id `{name}` twice"
            raise BadInputError(message, "give every cue an id of its own")
        first[name] = row
        cues.append(Cue(name, cells[text]))
    return cues


def named_models(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """Taxonomies and their models of texts such as `kind=runs/kind`; without a name it is the kind.

    Raises:
        BadInputError: two have one name.
    """
    if wrong := [name for name, equals, _ in map(_parted, arguments) if equals and not _fits(name)]:
        message = f"`{wrong[0]}` is no name of a taxonomy, or one of the table's own columns"
        raise BadInputError(message, "a letter, then letters, digits, `-` and `_`: --with place=runs/place")
    pairs = list(map(_parted, arguments))
    found = [(name, Path(path)) if equals else (KIND, Path(name)) for name, equals, path in pairs]
    names = [name for name, _ in found]
    if twice := {name for name in names if names.count(name) > 1}:
        message = f"two models are called `{min(twice)}`"
        raise BadInputError(message, "name them: --with kind=runs/kind --with place=runs/place")
    return found


def _parted(argument: str) -> tuple[str, str, str]:
    return argument.partition("=")


def _fits(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name not in _COLUMNS


def write_labels(
    out: Path,
    labels: Sequence[CueLabels],
    models: Sequence[tuple[str, Path]],
    *,
    overwrite: bool,
    command: str,
) -> Path:
    """Writes `labelled.csv`, a row a cue, and `review.csv`, the cues on which a model abstained.

    Args:
        out: the `predictions` artifact to write.
        labels: of the cues.
        models: the taxonomies and their models.
        overwrite: replace what is there.
        command: the command line, for the card.
    """
    inputs = [Input(str(model), "model", sha256_of(weights_file(model))) for _, model in models]
    card = {
        "command": "tag",
        "models": [one.sha256 for one in inputs],
        "cues": [one.cue.text for one in labels],
    }
    partial = open_partial(out, card, kind="predictions", overwrite=overwrite, inputs=[m for _, m in models])
    names = [name for name, _ in models]
    own = [part for name in names for part in (name, f"p_{name}", f"method_{name}", f"needs_review_{name}")]
    rows = [
        [one.cue.cue_id, one.cue.text, *map(";".join, (one.tag.sounds, one.tag.sources, one.tag.qualities)),
         *(cell for name in names for cell in _cells(one.classes[name]))]
        for one in labels
    ]  # fmt: skip
    write_csv(partial / "labelled.csv", [*_COLUMNS, *own], rows)
    review = []
    for name in names:
        first = {one.cue.text: one for one in reversed(labels)}
        counts = Counter(one.cue.text for one in labels)
        classes = [one.classes[name] for one in first.values()]
        review += [[name, *row] for row in review_rows(list(first), counts, classes)]
    write_csv(partial / "review.csv", ["taxonomy", "text", "count", "guess", "probability"], review)
    publish(out, Artifact("predictions", command, {"models": names}, inputs=inputs))
    return out


def _cells(found: CueClass) -> list[object]:
    return [found.label, found.probability, found.method, found.needs_review]
