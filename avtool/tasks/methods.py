"""The methods of `avtool pretrain`: their names, their settings, the models that they train."""

from avtool.tasks.masked.recipe import AudioMaeRecipe, ImageMaeRecipe, MavilRecipe, VideoMaeRecipe
from avtool.tasks.pretraining_task import Method
from avtool.tasks.temporal.recipe import AvtRecipe

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
