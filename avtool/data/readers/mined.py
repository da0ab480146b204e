"""A dataset that avtool wrote, such as one that was mined from films: to re-encode, divide or thin it."""

from pathlib import Path

from avtool.core.addresses import is_address
from avtool.core.artifact import CARD
from avtool.data.labels import CLASS_FILES, LABELS, LabelClass, read_classes
from avtool.data.manifest import MANIFEST, read_manifest
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ListedClip, ReadOptions, Source


def recognises(path: Path) -> bool:
    """Whether this is a dataset of avtool."""
    return (path / CARD).is_file() and (path / MANIFEST).is_file()


@reads("dataset", "A dataset of avtool.", recognises)
def read(path: Path, options: ReadOptions) -> Source:  # noqa: ARG001
    """Reads its manifest and its class lists; further columns are kept.

    Raises:
        AvtoolError: it is damaged, or no dataset.
    """
    manifest = read_manifest(path)
    clips = [
        ListedClip(
            clip_id=clip.clip_id,
            media=clip.media if is_address(clip.media) else str((path / clip.media).absolute()),
            start=clip.start,
            end=clip.end,
            split=clip.split,
            fold=clip.fold,
            labels=clip.labels,
            text=clip.text,
            group=clip.group,
            extras=clip.extras,
            where=f"row {row}",
        )
        for row, clip in enumerate(manifest, start=1)
    ]
    lists = {name: path / LABELS / f"{name}.csv" for names in CLASS_FILES.values() for name in names}
    classes = {
        name: tuple(LabelClass(label) for label in read_classes(file))
        for name, file in lists.items()
        if file.is_file()
    }
    return Source("dataset", clips, media=path, inputs=(path / MANIFEST,), classes=classes, fixed_length=True)
