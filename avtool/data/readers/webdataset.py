"""WebDataset shards, as any tool writes them: to check, divide and copy their clips as a dataset."""

from pathlib import Path

from avtool.data.dataset import open_dataset, shard_files
from avtool.data.manifest import Clip
from avtool.data.readers.layouts import reads
from avtool.data.readers.media_index import list_media
from avtool.data.readers.source import ListedClip, ReadOptions, Source


def recognises(path: Path) -> bool:
    """Whether this is a shard, or a folder of shards and of no plain media."""
    return bool(shard_files(path)) and not (path.is_dir() and list_media(path))


@reads("webdataset", "WebDataset shards.", recognises, generic=True)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads the names in the shards and the JSON files; media stay where they are.

    Raises:
        BadInputError: a shard is damaged, or it is not plain which of its files is a clip's medium.
    """
    manifest = open_dataset(path)
    clips = [_listed(clip, manifest.folder) for clip in manifest]
    return Source("webdataset", clips, media=manifest.folder, inputs=tuple(shard_files(path)))


def _listed(clip: Clip, folder: Path) -> ListedClip:
    return ListedClip(
        clip.clip_id,
        str((folder / clip.media).absolute()),
        split=clip.split,
        fold=clip.fold,
        labels=clip.labels,
        text=clip.text,
        group=clip.group,
        where=clip.media,
    )
