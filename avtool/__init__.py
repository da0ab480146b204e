"""avtool learns to hear from closed captions, and writes them back."""

__version__ = "0.1.0"
