"""HMDB51's split lists (Kuehne et al., 2011): `CLASS_test_splitN.txt` with `video.avi 0|1|2` in each line."""

import re
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import read_lines

_FILE = re.compile(r"(\w+)_test_split([123])\.txt")
_KINDS = {"0": "", "1": "train", "2": "test"}
_SPLITS = (1, 2, 3)


def recognises(path: Path) -> bool:
    """Whether the folder, or the one that its archive unpacks to, has the lists."""
    return bool(_lists(path))


@reads("hmdb51", "HMDB51's split lists.", recognises)
def read(path: Path, options: ReadOptions) -> Source:
    """Reads all three official splits: columns `split_1` to `split_3`, and `split` is the one chosen.

    Videos that a split does not use have an empty column. `group` is the film: file names begin with it.

    Raises:
        BadInputError: there are no lists, or a line is wrong.
    """
    lists = _lists(path)
    if not lists:
        raise BadInputError(
            f"there is no `CLASS_test_split1.txt` in `{path}`", "give testTrainMulti_7030_splits"
        )
    splits: dict[tuple[str, str], dict[str, str]] = {}
    for label, number, file in lists:
        for line in read_lines(file, delimiter="\t"):
            name, kind = ([*line.cells[0].split(), "", ""])[:2]
            if kind not in _KINDS:
                raise BadInputError(f"`{file}` line {line.number} is not: video.avi 0|1|2", "is it HMDB51's?")
            splits.setdefault((label, name), {})[f"split_{number}"] = _KINDS[kind]
    clips = [
        ListedClip(
            clip_id=stem_of(name),
            media=f"{label}/{name}",
            split=of_name.get(f"split_{options.official_split}", ""),
            labels=(label,),
            group=name.partition(f"_{label}_")[0],
            extras={f"split_{number}": of_name.get(f"split_{number}", "") for number in _SPLITS},
            where=f"{label}/{name}",
        )
        for (label, name), of_name in sorted(splits.items())
    ]
    labels = sorted({label for label, _, _ in lists})
    return Source(
        "hmdb51",
        clips,
        media=path,
        inputs=tuple(file for _, _, file in lists),
        classes={"classes": tuple(LabelClass(label) for label in labels)},
        other_names=lambda clip: (clip.clip_id,),
    )


def _lists(path: Path) -> list[tuple[str, int, Path]]:
    """(class, number of the split, file) of every list."""
    for folder in (path, path / "testTrainMulti_7030_splits", path / "test_train_splits"):
        files = sorted(folder.glob("*_test_split[123].txt")) if folder.is_dir() else []
        found = [(match[1], int(match[2]), file) for file in files if (match := _FILE.fullmatch(file.name))]
        if found:
            return found
    return []
