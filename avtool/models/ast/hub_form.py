"""An AST as transformers has it."""

from avtool.models.ast.ast import AST
from avtool.models.published.hub_form import HubForm


def transformers_form(model: AST) -> HubForm:
    """`ASTForAudioClassification`, whose head takes the epsilon of the other layer norms."""
    settings = model.settings
    config = {
        "hidden_size": settings.embed_dim,
        "num_hidden_layers": settings.depth,
        "num_attention_heads": settings.num_heads,
        "intermediate_size": settings.mlp_dim,
        "patch_size": settings.patch_size,
        "frequency_stride": settings.frequency_stride,
        "time_stride": settings.time_stride,
        "max_length": settings.num_frames,
        "num_mel_bins": settings.num_mel_bins,
        "layer_norm_eps": settings.norm_eps,
    }
    state = model.state_dict()
    return HubForm(
        "ASTForAudioClassification", config, state, lambda audio: audio, "input_values", "(B, T, F)"
    )
