"""Tiny CLIPs in folders: random towers, a tokenizer of letters, and images that can be told apart."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerFast

from avtool.models.clip.prompted_clip import PromptedClip, PromptedClipSettings

LETTERS = "abcdefghijklmnopqrstuvwxyz."
MERGES = [("d", "o"), ("c", "a"), ("p", "h"), ("ph", "o")]
CLASSES = ("dog", "cat", "blue bird", "tree")


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-pair tokenizer of lower-case letters in CLIP's form: end of word, start, end as padding."""
    plain = ["<unk>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS), *("".join(pair) for pair in MERGES)]
    vocabulary = {token: number for number, token in enumerate(plain)}
    vocabulary |= {"<start>": 98, "<end>": 99}
    for number in range(len(plain), 98):
        vocabulary[f"<unused{number}>"] = number
    made = Tokenizer(models.BPE(vocabulary, MERGES, unk_token="<unk>", end_of_word_suffix="</w>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
    )
    made.post_processor = processors.RobertaProcessing(("<end>", 99), ("<start>", 98))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<start>", eos_token="<end>", pad_token="<end>", unk_token="<unk>"
    )


def tiny_config(**vision: Any) -> CLIPConfig:
    """Two and four layers, 100 tokens, images of 32 pixels, 32 dimensions in common."""
    text = {
        "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 24, "vocab_size": 100, "bos_token_id": 98, "eos_token_id": 99,
        "pad_token_id": 99,
    }  # fmt: skip
    image = {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
        "image_size": 32, "patch_size": 8, **vision,
    }  # fmt: skip
    return CLIPConfig(text_config=text, vision_config=image, projection_dim=32)


def random_clip(std: float = 0.15, seed: int = 0, **vision: Any) -> CLIPModel:
    """A CLIP whose matrices are N(0, std²): transformers' own start is too small to learn from."""
    torch.manual_seed(seed)
    model = CLIPModel(tiny_config(**vision)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, std)
    return model


def write_clip(folder: Path, std: float = 0.15, seed: int = 0, **vision: Any) -> Path:
    """A folder as `save_pretrained` writes it, with its tokenizer."""
    random_clip(std, seed, **vision).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def write_image_split(
    folder: Path, classes: Sequence[str] = CLASSES, *, train: int = 4, test: int = 2, size: int = 40
) -> Path:
    """Noisy copies of one random pattern a class, and their split file; returns the file."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (len(classes), size, size, 3))
    content: dict[str, list[list[Any]]] = {"train": [], "val": [], "test": []}
    for split, count in (("train", train), ("val", test), ("test", test)):
        (folder / split).mkdir(parents=True, exist_ok=True)
        for label, name in enumerate(classes):
            for number in range(count):
                noisy = patterns[label] + rng.normal(0, 20, patterns[label].shape)
                path = folder / split / f"{label}-{number}.png"
                Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
                content[split].append([f"{split}/{path.name}", label, name])
    file = folder / "split.json"
    file.write_text(json.dumps(content))
    return file


def prompted(method: str, seed: int = 0, *, context: int = 4, **settings: Any) -> PromptedClip:
    """A prompted tiny CLIP of four classes with random host and prompts, its host frozen."""
    host = random_clip(seed=seed)
    texts = class_texts(context)
    config = {"kind": "clip", **{key: _kept(tiny_config().to_dict()[key]) for key in _HOST_KEYS}}
    torch.manual_seed(seed + 1)
    chosen = {"visual": 3, "aware_from": 4, "top_k": 2, **texts, **settings}
    model = PromptedClip(PromptedClipSettings(host=config, method=method, **chosen))  # type: ignore[arg-type]
    model.host.load(host.state_dict())
    model.host.requires_grad_(False)
    return model


_HOST_KEYS = ("text_config", "vision_config", "projection_dim")


def _kept(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    wanted = {
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "image_size",
        "patch_size", "max_position_embeddings", "vocab_size", "bos_token_id", "eos_token_id", "pad_token_id",
    }  # fmt: skip
    return {key: item for key, item in value.items() if key in wanted}


def class_texts(context: int = 4, names: Sequence[str] = CLASSES) -> dict[str, Any]:
    """The token settings of classes by the tiny tokenizer."""
    words = tokenizer()
    filler = words("x", add_special_tokens=False)["input_ids"][0]
    prompts = [words(f"{name}.", add_special_tokens=False)["input_ids"] for name in names]
    plain = [words(f"a {name}.")["input_ids"] for name in names]
    rows = [[98, *[filler] * context, *row, 99] for row in prompts]
    return {
        "tokens": _padded(rows),
        "lengths": tuple(map(len, rows)),
        "places": (tuple(range(1, 1 + context)),) * len(names),
        "zero_shot_tokens": _padded(plain),
        "zero_shot_lengths": tuple(map(len, plain)),
    }


def _padded(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    longest = max(map(len, rows))
    return tuple((*row, *[99] * (longest - len(row))) for row in rows)
