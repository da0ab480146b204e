"""Facts of the image datasets that CLIP's adaptations are compared on: one table, `image_sets.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

DEFAULT_TEMPLATE = "a photo of a {}."


@dataclass(frozen=True)
class ImageSet:
    """A dataset.

    Attributes:
        title: as papers call it.
        folder: as CoOp's instructions name it.
        images: the folder of the images inside.
        template: of the hand-written class texts; `{}` stands for the class.
        classes: how many.
        split: the file with its splits; "" where it has lists of its own.
        names: class names that are rewritten.
        domain: whether it is ImageNet under a shift of domain, and only tested on.
    """

    title: str
    folder: str
    images: str
    template: str
    classes: int
    split: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    domain: bool = False


class ImageSets:
    """The table, read on first use."""

    @cached_property
    def sets(self) -> dict[str, ImageSet]:
        """By the name of their benchmark."""
        content = tomllib.loads((Path(__file__).with_suffix(".toml")).read_text(encoding="utf-8"))
        return {name: ImageSet(**values) for name, values in content.items()}

    def __getitem__(self, name: str) -> ImageSet:
        return self.sets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sets)

    def of_split_file(self, name: str) -> ImageSet | None:
        """The dataset whose split file is called so."""
        return next((one for one in self.sets.values() if one.split == name), None)

    def of_source(self, path: Path) -> ImageSet | None:
        """The dataset of a split file or a folder, by its name."""
        names = {
            path.name,
            *((each.name for each in path.glob("split_zhou_*.json")) if path.is_dir() else ()),
        }
        found = (one for one in self.sets.values() if names & ({one.split, one.folder} - {""}))
        return next(found, None)


IMAGE_SETS = ImageSets()
