"""The methods of `avtool pretrain`: their names, their settings, the models that they train."""

from dataclasses import dataclass

from avtool.jobs.pretraining.recipe import (
    AudioMaeRecipe,
    AvtRecipe,
    ImageMaeRecipe,
    MavilRecipe,
    VideoMaeRecipe,
)
from avtool.training.recipe import TrainRecipe


@dataclass(frozen=True)
class Method:
    """A way to learn without labels.

    Attributes:
        name: on the command line.
        schema: its settings.
        inputs: what is taken of clips.
        builder: what its models are called, but for their size.
        summary: a sentence for the help page.
    """

    name: str
    schema: type[TrainRecipe]
    inputs: tuple[str, ...]
    builder: str
    summary: str

    def model(self, preset: str) -> str:
        """The registered name of the model that is pretrained."""
        return self.builder.format(preset)


METHODS = {
    method.name: method
    for method in (
        Method(
            "image-mae", ImageMaeRecipe, ("image",), "mae_{}_pretrain",
            "MAE: rebuild hidden patches of pictures.",
        ),
        Method(
            "audio-mae", AudioMaeRecipe, ("audio",), "audio_mae_{}_pretrain",
            "Audio-MAE: rebuild hidden patches of spectrograms.",
        ),
        Method(
            "video-mae", VideoMaeRecipe, ("video",), "video_mae_{}_pretrain",
            "VideoMAE: rebuild hidden tubes of videos.",
        ),
        Method(
            "mavil", MavilRecipe, ("audio", "video"), "mavil_{}_pretrain",
            "MAViL: rebuild sound and pictures from each other.",
        ),
        Method(
            "avt", AvtRecipe, ("audio", "video"), "avt_{}",
            "Contrast sound with pictures, and ask about time.",
        ),
    )
}  # fmt: skip
