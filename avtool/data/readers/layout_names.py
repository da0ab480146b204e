"""The names of the layouts, apart from their readers: help pages need nothing else."""

from typing import Literal

Layout = Literal[
    "auto", "folders", "csv", "esc50", "audioset", "vggsound", "ucf101", "hmdb51", "epic-kitchens",
    "kinetics", "sams", "dataset",
]  # fmt: skip
