"""Members of the zoo that no library has: small differences to timm's ViT, each of one paper."""

from collections.abc import Callable, Mapping

from torch import nn

from avtool.models.zoo.members.conditional_positions import cpvt
from avtool.models.zoo.members.local_feed_forward import localvit
from avtool.models.zoo.members.re_attention import deepvit
from avtool.models.zoo.members.segmenter import segmenter
from avtool.models.zoo.members.setr import setr
from avtool.models.zoo.members.tokens_to_token import t2t_vit

MEMBERS: Mapping[str, Callable[..., nn.Module]] = {
    "t2t_vit": t2t_vit,
    "localvit": localvit,
    "cpvt": cpvt,
    "deepvit": deepvit,
    "segmenter": segmenter,
    "setr": setr,
}
"""Builders by the name that the catalogue has; each takes `num_classes`, `in_channels`, `image_size`."""
