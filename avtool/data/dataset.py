"""A dataset as every command opens it: an artifact, a table, or WebDataset shards of anybody."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.manifest_columns import checked_table
from avtool.data.labels import CLASS_FILES, LABELS, LabelKind, class_lists
from avtool.data.manifest import (
    ANNOTATIONS,
    MANIFEST,
    Clip,
    Manifest,
    find_manifest,
    holds_annotations,
    make_table,
    need_media,
    read_manifest,
)
from avtool.data.shards.source import SHARDS, shard_row
from avtool.data.shards.tar_index import ShardClip, clips_of

_IMAGE_SECONDS = 1.0
_SHARD = ".tar"


def open_dataset(dataset: Path, *, media: bool = True) -> Manifest:
    """The clips of a dataset; a clip of shards has its member as its medium (`part.tar/0001.wav`).

    Args:
        dataset: a `dataset` artifact, its table, a folder of shards, or one of them.
        media: whether annotations without media are refused: an export of a dataset, shards of JSON files.

    Raises:
        BadInputError: it is none, its rows make no sense, or they have no media.
        CorruptArtifactError: the artifact is damaged.
    """
    if media:
        need_media(dataset)
    elif holds_annotations(dataset):
        found = read_manifest(dataset / ANNOTATIONS / MANIFEST)
        return Manifest(found.table, dataset, str(dataset))
    if not (files := shard_files(dataset)):
        return read_manifest(dataset)
    root = dataset if dataset.is_dir() else dataset.parent
    rows = [row for file in files for row in _member_rows(file, root)]
    if not rows:
        raise BadInputError(f"the shards of `{dataset}` hold no clips", "write them again")
    if media and all(row.media.endswith(_SHARD) for row in rows):
        raise BadInputError(f"the shards of `{dataset}` hold annotations without media", "give others")
    return Manifest(checked_table(make_table(rows), str(dataset)), root, str(dataset))


def _member_rows(file: Path, root: Path) -> Iterator[Clip]:
    name = file.relative_to(root).as_posix()
    with file.open("rb") as shard:
        for clip in clips_of(file):
            row = shard_row(name, clip, shard)
            yield _of_member(replace(row, media=f"{name}/{clip.media}"), clip) if clip.media else row


def _of_member(row: Clip, clip: ShardClip) -> Clip:
    """The row of one member: an image lasts a second, only an open film shows what it holds."""
    if clip.film:
        return replace(row, extras={**row.extras, "has_audio": None, "has_video": None})
    if clip.audio is None:
        return replace(row, end=_IMAGE_SECONDS)
    return replace(row, extras={**row.extras, "has_video": False})  # frames beside the audio are no film


def shard_files(dataset: Path) -> list[Path]:
    """The shards of a dataset, or none where its clips are in plain media."""
    if dataset.suffix == ".tar" and dataset.is_file():
        return [dataset]
    if files := sorted((dataset / SHARDS).glob("*.tar")):
        return files
    return sorted({*dataset.glob("*.tar"), *dataset.glob("*/*.tar")})


def dataset_content(dataset: Path) -> str:
    """A dataset by its content: the hash of its table, or of its shards' names and sizes.

    Raises:
        BadInputError: it is none.
    """
    if files := shard_files(dataset):
        return settings_hash([(path.name, path.stat().st_size) for path in files])
    return sha256_of(find_manifest(dataset))


def dataset_classes(dataset: Path, manifest: Manifest, kind: LabelKind) -> tuple[tuple[str, ...], ...]:
    """The class lists of a dataset; of shards the labels that occur, by name.

    Raises:
        BadInputError: a list is missing.
    """
    if not shard_files(dataset):
        return class_lists(dataset, kind)
    if kind == "verb-noun":
        raise BadInputError(
            f"`{dataset}` has no class lists of verbs and nouns", "`avtool prepare` makes them"
        )
    labels = sorted({label for labels in manifest.column("labels") for label in labels})
    if not labels:
        raise BadInputError(f"the clips of `{dataset}` have no labels", "their JSON files need a `label`")
    return (tuple(labels),)


def class_files(dataset: Path) -> list[Path]:
    """The files of a dataset's class lists."""
    names = dict.fromkeys(name for files in CLASS_FILES.values() for name in files)
    return [path for name in names if (path := dataset / LABELS / f"{name}.csv").is_file()]
