"""ESC-50 and ESC-10 (Piczak, 2015), in the present layout and in that of the first release.

Present: `meta/esc50.csv` beside `audio/`, files `FOLD-SOURCE-TAKE-TARGET` in any codec. First release: a
folder a class (`001 - Dog bark`, in ESC-50 `101 - Dog`), files `FOLD-SOURCE-TAKE.ogg`. A clip is 5 s by
definition: files that are longer are cut, shorter ones end in silence.
"""

import re
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import list_media, stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import Columns, Line, read_lines
from avtool.synthetic.real_sounds import ESC50_CLASSES

SECONDS = 5.0
_OLD_FOLDER = re.compile(r"(\d)(\d\d) - \S.*")
_OLD_NAME = re.compile(r"([1-5])-(\d+)-([A-Z])")
# ESC-10 as first released, `001 - Dog bark` to `010 - Fire crackling`: the targets that ESC-50 gives them.
_OLD_ESC10 = (0, 10, 11, 20, 38, 21, 40, 41, 1, 12)


def recognises(path: Path) -> bool:
    """Whether the folder has the table, or folders of classes with numbers."""
    if _table(path).is_file():
        return True
    return path.is_dir() and any(_OLD_FOLDER.fullmatch(folder.name) for folder in path.iterdir())


@reads("esc50", "ESC-50 or ESC-10: `meta/esc50.csv`, or folders of classes.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads either layout; `group` is the recording that a clip was cut from.

    Raises:
        BadInputError: neither is there, or a row is wrong.
    """
    table = _table(path)
    targets = _from_table(table) if table.is_file() else _from_folders(path)
    if not targets:
        raise BadInputError(f"`{path}` holds no clip of ESC-50 or ESC-10", "give the folder above `meta`")
    names = {target: clip.labels[0] for clip, target in targets}
    classes = tuple(LabelClass(names[target], str(target)) for target in sorted(names))
    inputs = (table,) if table.is_file() else ()
    media = table.parent.parent / "audio" if table.is_file() else path
    return Source(
        "esc50",
        [clip for clip, _ in targets],
        media=media,
        inputs=inputs,
        classes={"classes": classes},
        fixed_length=True,
    )


def _table(path: Path) -> Path:
    return path if path.name == "esc50.csv" else path / "meta" / "esc50.csv"


def _from_table(path: Path) -> list[tuple[ListedClip, int]]:
    lines = read_lines(path)
    columns = Columns(
        path, next(lines, Line(0, [])).cells, ("filename", "fold", "target", "category", "src_file")
    )
    found = []
    for line in lines:
        fold, target = columns.count(line, "fold"), columns.count(line, "target")
        if fold is None or target is None:
            raise BadInputError(f"`{path}` line {line.number} has no fold or no target", "correct the line")
        name = columns.text(line, "filename")
        clip = ListedClip(
            clip_id=stem_of(name),
            media=name,
            end=SECONDS,
            fold=fold,
            labels=(columns.text(line, "category"),),
            group=columns.text(line, "src_file"),
            where=f"{path.name} line {line.number}",
        )
        found.append((clip, target))
    return found


def _from_folders(path: Path) -> list[tuple[ListedClip, int]]:
    found = []
    for name in list_media(path):
        folder, _, file = name.rpartition("/")
        place, parts = _OLD_FOLDER.fullmatch(folder), _OLD_NAME.fullmatch(stem_of(file))
        if not (place and parts):
            continue
        target = _old_target(int(place[1]), int(place[2]))
        if target is None:
            raise BadInputError(f"`{path / folder}` is no class of ESC-50 or ESC-10", "what is its number?")
        clip = ListedClip(
            clip_id=f"{stem_of(file)}-{target}",
            media=name,
            end=SECONDS,
            fold=int(parts[1]),
            labels=(ESC50_CLASSES[target],),
            group=parts[2],
            where=str(path / name),
        )
        found.append((clip, target))
    return sorted(found, key=lambda pair: pair[0].clip_id)


def _old_target(hundred: int, number: int) -> int | None:
    """The target of a class folder: ESC-50 counts ten classes in each of five hundreds."""
    if not 1 <= number <= 10 or hundred > 5:
        return None
    return _OLD_ESC10[number - 1] if hundred == 0 else 10 * (hundred - 1) + number - 1
