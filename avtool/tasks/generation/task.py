"""PVDM's autoencoder and its diffusion model as tasks, registered where tasks are looked for."""

from avtool.tasks.generation.autoencoder import VideoAutoencoderTask
from avtool.tasks.generation.diffusion import VideoDiffusionTask

__all__ = ["VideoAutoencoderTask", "VideoDiffusionTask"]
