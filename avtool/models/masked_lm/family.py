"""Masked language models as classifiers of prompts: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State

_ROBERTA = {
    "model_type": "roberta", "vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1,
    "layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
_LARGE = {
    **_ROBERTA, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
    "intermediate_size": 4096,
}  # fmt: skip
_TINY = {
    **_ROBERTA, "vocab_size": 400, "max_position_embeddings": 130, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 64,
}  # fmt: skip


@register
class MaskedLMFamily(Family):
    """Any `AutoModelForMaskedLM`; its `architecture` is the folder's `config.json`."""

    title = "Masked LM"
    paper = (
        "Gao, Fisch, Chen: Making Pre-trained Language Models Better Few-shot Learners. ACL 2021; "
        "Liu et al.: RoBERTa: A Robustly Optimized BERT Pretraining Approach. 2019"
    )
    inputs = ("prompt",)
    sizes: ClassVar[Sizes] = {
        "masked_lm": Size("Of any folder; by default RoBERTa-base.", {"architecture": _ROBERTA}),
        "masked_lm_large": Size("RoBERTa-large, of the published numbers.", {"architecture": _LARGE}),
        "masked_lm_tiny": Size("Two layers, 400 tokens: for tests.", {"architecture": _TINY}),
    }
    follows: ClassVar[Follows] = {}
    layouts = ("transformers' masked LMs (`model.path`)",)

    def settings_type(self) -> type[Any]:
        from avtool.models.masked_lm.masked_lm import MaskedLMSettings

        return MaskedLMSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked_lm.masked_lm import MaskedLM

        return MaskedLM(settings)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        """Loads avtool's own names, or those of transformers."""
        if not any(name.startswith("host.") for name in state):
            state = {f"host.{name}": value for name, value in state.items()}
        return super().load_weights(model, state, interpolate=interpolate)
