"""The labels of VGGSounder: `video_id, label, modality, background_music, …`, a row a label."""

from dataclasses import dataclass, field
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.tables import Columns, Line, read_lines

_NEEDED = ("video_id", "label", "modality")
_MODALITIES = ("A", "V", "AV")


@dataclass
class ClipLabels:
    """The labels of a clip.

    Attributes:
        modality: label → `A` (heard), `V` (seen) or `AV`.
        music: whether there is background music.
    """

    modality: dict[str, str] = field(default_factory=dict)
    music: bool = False

    def of(self, modalities: tuple[str, ...]) -> set[str]:
        """The labels of some modalities."""
        return {label for label, found in self.modality.items() if found in modalities}


def read_labels(path: Path) -> dict[str, ClipLabels]:
    """The labels of each clip, by its name (`--i-y1v8Hy8_000000`).

    Raises:
        BadInputError: it is no such table, or a row is wrong.
    """
    table = path / "vggsounder.csv" if path.is_dir() else path
    lines = read_lines(table)
    columns = Columns(table, next(lines, Line(0, [])).cells, _NEEDED)
    found: dict[str, ClipLabels] = {}
    for line in lines:
        name, label, modality = (columns.text(line, column) for column in _NEEDED)
        if not (name and label) or modality not in _MODALITIES:
            message = f"`{table}` line {line.number}: `{modality}` is none of {', '.join(_MODALITIES)}"
            raise BadInputError(message, "a row is: video_id, label, modality, background_music, …")
        clip = found.setdefault(name, ClipLabels())
        clip.modality[label] = modality
        clip.music |= columns.text(line, "background_music").lower() == "true"
    if not found:
        raise BadInputError(f"`{table}` has no labels", "give vggsounder.csv of the VGGSounder package")
    return found
