"""Audio-visual learning: sound events mined from captions, pretraining, fine-tuning, evaluation."""

__version__ = "0.1.0"
