"""Annotations of a dataset without its media, and the dataset made again from the films."""

from typing import Literal

LayoutName = Literal["hf", "webdataset", "audioset-csv", "croissant", "sams"]
"""The layouts that a dataset is exported in."""
