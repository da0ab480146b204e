"""Grounding networks with random weights, for tests of what they are used for."""

from pathlib import Path

import torch

from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.film_index import open_index
from avtool.inference.localisation.grounding_card import GroundingCard, TextCard
from avtool.inference.localisation.text_encoder import TextEncoder
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.queried_films import FPS


def save_grounding(folder: Path) -> Path:
    """A model folder `model` beside the films, index and text encoder of `write_queried`.

    It takes queries of all kinds; its labels are `square` and `tone`, its windows last 3 s.
    """
    index = open_index(folder / "index" / "0")
    card = index.card
    widths = {"image": card.visual.width, "text": 32, "label": 32, "audio": card.audio.width}
    arguments = {
        "visual_dim": card.visual.width, "grid": card.grid, "audio_dim": card.audio.width,
        "audio_tokens": card.audio.tokens, "query_dims": widths, "dim": 32, "heads": 4, "mlp_dim": 64,
        "encoder_depth": 1, "decoder_depth": 1,
    }  # fmt: skip
    torch.manual_seed(0)
    model = create("minotaur_tiny", **arguments)
    text = TextCard(str(folder / "text"), TextEncoder(str(folder / "text"), RuntimeRecipe()).weights)
    expects = GroundingCard(
        1 / FPS, 1, 12, card.size, tuple(widths), ("square", "tone"), card.visual, card.audio, text
    )
    description = ModelDescription("minotaur_tiny", arguments, expects.to_json())
    save_model(folder / "model", model.state_dict(), description)
    return folder / "model"
