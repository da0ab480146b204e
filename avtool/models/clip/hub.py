"""Hosts read from folders or from the Hugging Face hub: configuration, weights, preprocessing, tokenizer.

A folder holds transformers' `CLIPModel` as it saves itself, or a pair of towers: `config.json` with
`model_type` `avtool-towers`, `model.safetensors`, and the text tower's tokenizer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from avtool.core.errors import BadInputError
from avtool.core.foreign import check_vocabulary, read_by_others
from avtool.models.hub_access import download

TOWERS = "avtool-towers"
"""The `model_type` of a pair of towers."""
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
Position = Literal["end", "middle", "front"]
_PLACEHOLDER = "X"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Older repositories have PyTorch's."""
_TEXT_KEYS = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings",
    "vocab_size", "hidden_act", "layer_norm_eps", "bos_token_id", "eos_token_id", "pad_token_id",
)  # fmt: skip
_VISION_KEYS = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "image_size",
    "patch_size", "num_channels", "hidden_act", "layer_norm_eps",
)  # fmt: skip


@dataclass(frozen=True)
class EncodedTexts:
    """Class texts as settings of a prompted host have them.

    Attributes:
        tokens: (C, L), padded to the longest.
        lengths: (C,), with start and end.
        places: (C, M), where learned vectors go.
    """

    tokens: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]
    places: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class HostFolder:
    """A host on disk.

    Attributes:
        folder: where it is.
        config: its kind and what builds it, as settings of a prompted host have it.
        weights: its file of weights.
        size: side of its images in pixels.
        mean, std: of its images' channels.
        context_length: tokens that its text tower takes.
    """

    folder: Path
    config: Mapping[str, Any]
    weights: Path
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    context_length: int

    @cached_property
    def tokenizer(self) -> Any:
        """Its tokenizer; nothing is downloaded and no code is run.

        Raises:
            BadInputError: there is none.
        """
        from avtool.models.clip.host import from_transformers

        # AutoTokenizer reads the model's type too, and warns of one that is not its own
        towers = self.config["kind"] == "towers"
        kind = from_transformers("PreTrainedTokenizerFast" if towers else "AutoTokenizer")
        check_vocabulary(self.folder)
        hint = "save one there: tokenizer.save_pretrained"
        with read_by_others(f"`{self.folder}` holds no tokenizer", hint):
            return kind.from_pretrained(
                str(self.folder.absolute()), local_files_only=True, trust_remote_code=False
            )

    def encode(self, texts: Sequence[str]) -> EncodedTexts:
        """Texts with the tokenizer's start and end.

        Raises:
            BadInputError: one is longer than the text tower takes.
        """
        return self._padded(
            [([self._ends[0], *self._plain(text), self._ends[1]], []) for text in texts], texts
        )

    def encode_prompts(self, names: Sequence[str], count: int, position: Position = "end") -> EncodedTexts:
        """Class names with places for learned vectors, and a full stop.

        Args:
            names: of the classes.
            count: places M of each.
            position: of the class name: behind the vectors, amid them, or before them.

        Raises:
            BadInputError: a name leaves no room for so many vectors.
        """
        start, end = self._ends
        filler = self._plain(_PLACEHOLDER)[0]
        before = {"end": count, "middle": count // 2, "front": 0}[position]
        rows = []
        for name in names:
            words = self._plain(f"{name}.")
            length = min(len(self._plain(name)), len(words))
            first = [start, *[filler] * before, *words[:length]]
            tokens = [*first, *[filler] * (count - before), *words[length:], end]
            places = [*range(1, 1 + before), *range(len(first), len(first) + count - before)]
            rows.append((tokens, places))
        return self._padded(rows, names, count)

    def embedded_words(self, text: str) -> list[int]:
        """The token numbers of initial words."""
        return self._plain(text)

    @cached_property
    def _ends(self) -> tuple[int, int]:
        found = self.tokenizer("")["input_ids"]
        if len(found) != 2:
            message = f"the tokenizer of `{self.folder}` gives an empty text {len(found)} tokens, not two"
            raise BadInputError(message, "it needs a start and an end token")
        return found[0], found[1]

    def _plain(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _check_tokens(self, largest: int) -> None:
        text = self.config["text" if self.config["kind"] == "towers" else "text_config"]
        size = int(text.get("vocab_size", largest + 1))
        if largest >= size:
            message = f"the tokenizer of `{self.folder}` gives token {largest}, and its text tower has {size}"
            raise BadInputError(message, "give the tokenizer that the host was trained with")

    def _padded(
        self, rows: Sequence[tuple[list[int], list[int]]], names: Sequence[str], count: int = 0
    ) -> EncodedTexts:
        for (tokens, _), name in zip(rows, names, strict=True):
            if (excess := len(tokens) - self.context_length) > 0:
                message = f"`{name}` takes {len(tokens)} tokens and the text tower {self.context_length}"
                most = f"the largest prompt.context that fits is {count - excess}"
                raise BadInputError(message, most if count > excess else "shorten the name or the template")
        self._check_tokens(max(token for tokens, _ in rows for token in tokens))
        longest = max(len(tokens) for tokens, _ in rows)
        pad = self.tokenizer.pad_token_id
        pad = self._ends[1] if pad is None else int(pad)
        return EncodedTexts(
            tuple((*tokens, *[pad] * (longest - len(tokens))) for tokens, _ in rows),
            tuple(len(tokens) for tokens, _ in rows),
            tuple(tuple(places) for _, places in rows),
        )


def open_host(name: str) -> HostFolder:
    """The host of a folder, or of a name on the hub, which is downloaded where it is not cached.

    Raises:
        BadInputError: it is none that prompts can be tuned for.
        MissingError: it is not here and cannot be downloaded, or transformers is not installed.
    """
    folder = Path(name)
    if not folder.is_dir():
        if name.count("/") > 1 or name.startswith((".", "/", "~")):
            message = f"there is no folder `{name}`"
            raise BadInputError(message, "give a folder with a CLIP, or a name on the hub")
        folder = download(name)
        if not (folder / _WEIGHTS[0]).is_file():
            folder = download(name, _WEIGHTS[1:])  # an older repository
    config = _read(folder / "config.json")
    kind = config.get("model_type")
    if kind == TOWERS:
        return _towers(folder, config)
    if kind != "clip" or not isinstance(config.get("vision_config", {}), dict):
        message = f"`{name}` is a `{kind}`, no CLIP with a ViT image tower"
        raise BadInputError(message, f"give a CLIPModel of transformers, or a pair of towers (`{TOWERS}`)")
    return _clip(folder, config)


def _clip(folder: Path, config: Mapping[str, Any]) -> HostFolder:
    from avtool.models.clip.host import from_transformers

    kind = from_transformers("CLIPConfig")
    with read_by_others(f"`{folder / 'config.json'}` is no configuration of CLIP"):
        whole = kind(**config)
    text, vision = whole.text_config, whole.vision_config
    kept = {
        "kind": "clip",
        "projection_dim": whole.projection_dim,
        "text_config": {key: getattr(text, key) for key in _TEXT_KEYS},
        "vision_config": {key: getattr(vision, key) for key in _VISION_KEYS},
    }
    processor = folder / "preprocessor_config.json"
    values = _read(processor) if processor.is_file() else {}
    mean, std = (_three(values.get(f"image_{key}"), default) for key, default in _NORMALISATION)
    return HostFolder(
        folder, kept, _weights(folder), vision.image_size, mean, std, text.max_position_embeddings
    )


_NORMALISATION = (("mean", CLIP_MEAN), ("std", CLIP_STD))


def _towers(folder: Path, config: Mapping[str, Any]) -> HostFolder:
    try:
        kept = {
            "kind": "towers",
            "text": dict(config["text"]),
            "image": str(config["image"]),
            "embed_dim": int(config["embed_dim"]),
            "scale": float(config["scale"]),
        }
        size, length = int(config["size"]), int(config["text"]["max_position_embeddings"])
        mean, std = (_three(config.get(key), default) for key, default in _NORMALISATION)
    except (KeyError, TypeError, ValueError) as error:
        message = f"`{folder / 'config.json'}` is no pair of towers ({error})"
        raise BadInputError(message, "its keys are text, image, embed_dim, scale, size, mean, std") from error
    return HostFolder(folder, kept, _weights(folder), size, mean, std, length)


def _weights(folder: Path) -> Path:
    """The file of weights."""
    files = [folder / name for name in _WEIGHTS]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        raise BadInputError(f"`{folder}` holds no weights in one file", f"it needs `{files[0].name}`")
    return found


def _three(value: Any, default: tuple[float, float, float]) -> tuple[float, float, float]:
    if value is None:
        return default
    try:
        red, green, blue = map(float, value)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{value!r:.80} are no three values of red, green and blue") from error
    return red, green, blue


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"`{path.parent}` holds no host: `{path.name}` cannot be read ({error.strerror})"
        raise BadInputError(message, "give a folder that transformers' save_pretrained wrote") from error
    except ValueError as error:
        raise BadInputError(f"`{path}` is not JSON ({error})") from error
    if not isinstance(values, dict):
        raise BadInputError(f"`{path}` holds no object")
    return values
