"""The methods of prompt tuning: which prompts each of them learns."""

from dataclasses import dataclass
from typing import Literal

MethodName = Literal["zeroshot", "coop", "cocoop", "vpt-shallow", "vpt-deep", "vlp", "dpt"]


@dataclass(frozen=True)
class Method:
    """What a method learns.

    Attributes:
        paper: where it is from.
        text: whether text prompts are learned.
        conditional: whether these are shifted by each image's feature (CoCoOp).
        visual: visual prompts before the first layer alone, or of every layer.
        class_aware: whether the last layers take prompts made of the image and its likeliest classes (DPT).
        guided: whether each tower is first aligned with the zero-shot features of the other one.
    """

    paper: str
    text: bool = False
    conditional: bool = False
    visual: Literal["", "shallow", "deep"] = ""
    class_aware: bool = False
    guided: bool = False

    @property
    def learns(self) -> bool:
        """Whether anything is learned."""
        return self.text or bool(self.visual)


METHODS: dict[MethodName, Method] = {
    "zeroshot": Method("Radford et al., ICML 2021"),
    "coop": Method("Zhou et al., IJCV 2022", text=True),
    "cocoop": Method("Zhou et al., CVPR 2022", text=True, conditional=True),
    "vpt-shallow": Method("Jia et al., ECCV 2022", visual="shallow"),
    "vpt-deep": Method("Jia et al., ECCV 2022", visual="deep"),
    "vlp": Method("Xing et al., TMM 2024", text=True, visual="deep", guided=True),
    "dpt": Method("Xing et al., TMM 2024", text=True, visual="deep", class_aware=True, guided=True),
}
