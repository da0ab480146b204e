"""The names of splits, as people write them."""

SPLIT_NAMES = {
    "train": "train", "training": "train", "trn": "train", "dev": "val", "development": "val",
    "val": "val", "valid": "val", "validate": "val", "validation": "val",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
"""Names of splits as people write them, and ours."""


def split_name(text: str) -> str:
    """Our name of a split; any other name stays as it is."""
    return SPLIT_NAMES.get(text.strip().lower(), text.strip())
