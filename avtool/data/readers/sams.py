"""The lists of the Subtitle-Aligned Movie Sounds: `train.json`, `val.json` and `test.json`."""

from pathlib import Path, PurePosixPath

from avtool.core.errors import AvtoolError, BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import Columns, Line, read_lines
from avtool.data.split_names import SPLIT_NAMES
from avtool.mining.sams_layout import read_sams_json

_CLASSES = "movie_sounds.csv"


def recognises(path: Path) -> bool:
    """Whether this is such a list, or a folder with some."""
    if path.is_dir():
        return bool(_lists_in(path))
    if path.suffix.lower() != ".json":
        return False
    try:
        return bool(read_sams_json(path))
    except AvtoolError:
        return False


@reads("sams", "SAM-S' JSON lists.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads a list, or all lists of a folder; the classes are those of `movie_sounds.csv` where it is there.

    `group` is the film, which is the folder of a clip; coarse sources go to the column `sources`.

    Raises:
        BadInputError: it is no such list, or empty.
    """
    paths = _lists_in(path) if path.is_dir() else [path]
    folder = path if path.is_dir() else path.parent
    clips = []
    for list_path in paths:
        for number, clip in enumerate(read_sams_json(list_path)):
            film = str(PurePosixPath(clip.wav).parent)
            clips.append(
                ListedClip(
                    clip_id=stem_of(clip.wav),
                    media=clip.wav,
                    split=SPLIT_NAMES.get(list_path.stem, ""),
                    labels=clip.labels,
                    group=film,
                    extras={"sources": list(clip.sources)},
                    where=f"{list_path.name} row {number}",
                )
            )
    if not clips:
        raise BadInputError(f"`{path}` lists no clip", 'a list is {"data": [{"wav": …, "labels": …}]}')
    names = folder / _CLASSES
    classes = {}
    if names.is_file():
        lines = read_lines(names)
        columns = Columns(names, next(lines, Line(0, [])).cells, ("index", "label"))
        classes = {"classes": tuple(LabelClass(columns.text(line, "label")) for line in lines)}
    inputs = (*paths, names) if classes else tuple(paths)
    return Source("sams", clips, media=folder, inputs=inputs, classes=classes)


def _lists_in(folder: Path) -> list[Path]:
    names = [folder / f"{name}.json" for name in ("train", "val", "test")]
    return [path for path in names if path.is_file() and recognises(path)]
