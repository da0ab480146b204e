"""A folder a class: `dog/1.wav`, or with splits above them, `train/dog/1.wav`."""

from pathlib import Path, PurePosixPath

from avtool.core.errors import BadInputError
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import list_media, stem_of
from avtool.data.readers.source import SPLIT_NAMES, ListedClip, ReadOptions, Source, split_name


def recognises(path: Path) -> bool:
    """Whether there are media in folders of this folder."""
    return path.is_dir() and any("/" in name for name in list_media(path))


@reads("folders", "Media in folders that are their classes.", recognises, generic=True)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Lists the media; deeper folders belong to their class, and media outside of a class have no label.

    Raises:
        BadInputError: there are no media.
    """
    names = list_media(path)
    if not names:
        raise BadInputError(f"there are no media in `{path}`", "give a folder with a folder for each class")
    tops = {name.split("/")[0] for name in names if "/" in name}
    divided = bool(tops) and all(top.lower() in SPLIT_NAMES for top in tops)
    stems = [stem_of(name) for name in names]
    repeated = {stem for stem in stems if stems.count(stem) > 1} if len(set(stems)) < len(stems) else set()
    clips = []
    for name, stem in zip(names, stems, strict=True):
        *folders, _ = PurePosixPath(name).parts
        split = split_name(folders.pop(0)) if divided and folders else ""
        clip_id = name if stem in repeated else stem
        labels = tuple(folders[:1])
        clips.append(
            ListedClip(clip_id, name, split=split, labels=labels, group=clip_id, where=str(path / name))
        )
    return Source("folders", clips, media=path)
