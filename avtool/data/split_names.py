"""The names of splits, as people write them."""

import re
from collections.abc import Iterable

SPLIT_NAMES = {
    "train": "train", "training": "train", "trn": "train", "dev": "val", "development": "val",
    "val": "val", "valid": "val", "validate": "val", "validation": "val",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
"""Names of splits as people write them, and ours."""


def split_name(text: str) -> str:
    """Our name of a split; any other name stays as it is."""
    return SPLIT_NAMES.get(text.strip().lower(), text.strip())


def split_among(names: Iterable[str]) -> str:
    """Our split of the first name with a word for one ("test_post_competition"), or ""."""
    words = (word for name in names for word in re.split(r"[\W_]+", name.lower()))
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")
