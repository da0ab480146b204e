"""The version of avtool, as `--version`, artifacts and the wheel have it."""

__version__ = "0.1.0"
