"""Speech Commands (Warden, 2018): a folder a word, and the lists of validation and test files beside them."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import list_media, stem_of
from avtool.data.readers.source import ListedClip, ReadOptions, Source
from avtool.data.readers.tables import first_line

_LISTS = {"val": "validation_list.txt", "test": "testing_list.txt"}
_SPEAKER = "_nohash_"


def recognises(path: Path) -> bool:
    """Whether the folder has both lists, of files such as `bed/0c40e715_nohash_0.wav`."""
    return path.is_dir() and all(_SPEAKER in first_line(path / name) for name in _LISTS.values())


@reads("speech-commands", "Speech Commands: `testing_list.txt`.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads the files of all words; those in neither list are for training, and `group` is the speaker.

    The recordings of background noise are of no class, and skipped.

    Raises:
        BadInputError: a list is missing, or names a file that is not there.
    """
    splits: dict[str, str] = {}
    for split, name in _LISTS.items():
        if not (path / name).is_file():
            raise BadInputError(f"there is no `{name}` in `{path}`", "give the folder of all words")
        splits |= dict.fromkeys((path / name).read_text(encoding="utf-8").split(), split)
    names = [name for name in list_media(path) if name.count("/") == 1 and not name.startswith("_")]
    if missing := sorted(splits.keys() - set(names)):
        message = f"{len(missing)} listed files are not in `{path}`, `{missing[0]}` among them"
        raise BadInputError(message, "unpack the archive again")
    clips = [
        ListedClip(
            clip_id=name.removesuffix(Path(name).suffix),
            media=name,
            split=splits.get(name, "train"),
            labels=(name.split("/")[0],),
            group=stem_of(name).split(_SPEAKER)[0],
            where=str(path / name),
        )
        for name in names
    ]
    return Source("speech-commands", clips, media=path, inputs=tuple(path / name for name in _LISTS.values()))
