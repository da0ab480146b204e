"""The interface of a host, a frozen pair of a text and an image tower; and transformers' CLIP as one.

Prompts are injected by hooks: the libraries' forward passes stay as they are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avtool.core.errors import MissingError
from avtool.core.requirements import require
from avtool.models.published.report import LoadReport, State, copy_into

LayerPrompts = Callable[[int, Tensor], Tensor | None]
"""(layer from 0, its input (B, N, D)) → tokens (B, p, D) to append, or None."""


class VisionSize(NamedTuple):
    """The size of a vision transformer: width and layers."""

    width: int
    layers: int


class Texts(NamedTuple):
    """Token numbers of some texts.

    Attributes:
        tokens: (C, L), padded.
        lengths: (C,), with start and end.
        places: (C, M), where learned vectors take the place of tokens; M may be 0.
    """

    tokens: Tensor
    lengths: Tensor
    places: Tensor

    def chunk(self, size: int) -> "list[Texts]":
        """The same in parts of at most `size` texts, each cut to the longest among them."""
        parts = zip(*(torch.split(values, size) for values in self), strict=True)
        return [Texts(t[:, : int(n.max())] if not n.is_meta else t, n, p) for t, n, p in parts]


class Host(nn.Module, ABC):
    """A text and an image tower with features in one space.

    Attributes:
        embed_dim: E, the width of that space.
        text_width: of token embeddings.
        vision: the size of its vision transformer; None where the image tower is none.
    """

    embed_dim: int
    text_width: int
    vision: VisionSize | None = None

    def __init__(self) -> None:
        super().__init__()
        self._spliced: tuple[Tensor, Tensor] | None = None

    @property
    @abstractmethod
    def token_embedding(self) -> nn.Embedding:
        """The embedding of tokens."""

    @abstractmethod
    def scale(self) -> Tensor:
        """The factor on cosines, a scalar: exp(logit_scale)."""

    @abstractmethod
    def _text_features(self, tokens: Tensor, lengths: Tensor) -> Tensor: ...

    @abstractmethod
    def encode_image(
        self, image: Tensor, prompts: LayerPrompts | None = None, *, stay: bool = False
    ) -> Tensor:
        """Features of images, not normalised.

        Args:
            image: (B, 3, size, size), normalised as the host wants it.
            prompts: tokens that layers of the vision transformer take beside the image's own.
            stay: whether tokens stay in the sequence; else each layer's leave it after the layer.

        Returns:
            (B, E).
        """

    @property
    @abstractmethod
    def published(self) -> nn.Module:
        """What has its weights under the names of their library."""

    def load(self, state: State) -> LoadReport:
        """Loads weights as the host's library names them.

        Raises:
            BadInputError: one has another shape, or hardly any name is the host's.
        """
        return copy_into(self.published, state, [])

    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """The embeddings (…, text_width) of token numbers (…)."""
        return F.embedding(tokens, self.token_embedding.weight)

    def encode_text(self, texts: Texts, vectors: Tensor | None = None, *, chunk: int = 0) -> Tensor:
        """Features of texts, not normalised.

        Args:
            texts: C of them.
            vectors: (M, D), or (C, M, D): in the places of tokens, before positions are added.
            chunk: texts at a time, 0 for all; where gradients flow, each chunk is computed again for them.

        Returns:
            (C, E).
        """
        count = len(texts.tokens)
        if vectors is not None:
            vectors = vectors.expand(count, -1, -1)
        if not chunk or count <= chunk:
            return self._encode_chunk(*texts.chunk(count)[0], vectors)
        parts: list[Tensor] = []
        slices = torch.split(vectors, chunk) if vectors is not None else [None] * -(-count // chunk)
        for part, own in zip(texts.chunk(chunk), slices, strict=True):
            again = own is not None and own.requires_grad and torch.is_grad_enabled()
            run = (
                partial(checkpoint, self._encode_chunk, use_reentrant=False) if again else self._encode_chunk
            )
            parts.append(cast(Tensor, run(*part, own)))
        return torch.cat(parts)

    def _encode_chunk(
        self, tokens: Tensor, lengths: Tensor, places: Tensor, vectors: Tensor | None
    ) -> Tensor:
        self._spliced = (vectors, places) if vectors is not None and places.shape[1] else None
        try:
            return self._text_features(tokens, lengths)
        finally:
            self._spliced = None

    def _splice_in(self) -> None:
        self.token_embedding.register_forward_hook(self._splice)

    def _splice(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:  # noqa: ARG002
        """The hook on the token embedding."""
        if self._spliced is None:
            return output
        vectors, places = self._spliced
        index = places[..., None].expand(-1, -1, output.shape[-1])
        return output.scatter(1, index, vectors.to(output.dtype))


class ClipHost(Host):
    """CLIP of transformers, for checkpoints with a vision transformer.

    Args:
        config: of `CLIPConfig`: `text_config`, `vision_config`, `projection_dim`.

    Raises:
        MissingError: transformers is not installed, or broken.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        settings = from_transformers("CLIPConfig")(**{key: plain_config(config[key]) for key in config})
        self.clip: Any = from_transformers("CLIPModel")(settings)
        self.embed_dim = self.clip.config.projection_dim
        self.text_width = self.clip.config.text_config.hidden_size
        size = self.clip.config.vision_config
        self.vision = VisionSize(size.hidden_size, size.num_hidden_layers)
        self._prompts: LayerPrompts | None = None
        self._stay = False
        self._kept: dict[int, int] = {}
        self._splice_in()
        for number, layer in enumerate(self.clip.vision_model.encoder.layers):
            layer.register_forward_pre_hook(partial(self._append, number), with_kwargs=True)
            layer.register_forward_hook(partial(self._drop, number))

    @property
    def token_embedding(self) -> nn.Embedding:
        """The text tower's."""
        return cast(nn.Embedding, self.clip.text_model.embeddings.token_embedding)

    def scale(self) -> Tensor:
        """exp(logit_scale), a scalar: 100 of the published models."""
        return cast(Tensor, self.clip.logit_scale.exp())

    def _text_features(self, tokens: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002 - the end is a token
        return _pooled(self.clip.get_text_features(input_ids=tokens))

    def encode_image(
        self, image: Tensor, prompts: LayerPrompts | None = None, *, stay: bool = False
    ) -> Tensor:
        """(B, 3, size, size) → (B, E); see `Host.encode_image`."""
        self._prompts, self._stay = prompts, stay
        try:
            return _pooled(self.clip.get_image_features(pixel_values=image))
        finally:
            self._prompts = None
            self._kept.clear()

    @property
    def published(self) -> nn.Module:
        """The `CLIPModel`."""
        return cast(nn.Module, self.clip)

    def _append(self, number: int, module: nn.Module, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        if self._prompts is None:
            return None
        states = args[0]
        tokens = self._prompts(number, states)
        if tokens is None:
            return None
        if not self._stay:
            self._kept[number] = states.shape[1]
        return (torch.cat([states, tokens.to(states.dtype)], dim=1), *args[1:]), kwargs

    def _drop(self, number: int, module: nn.Module, args: Any, output: Any) -> Any:  # noqa: ARG002
        if number not in self._kept:
            return output
        keep = self._kept.pop(number)
        if isinstance(output, tuple):  # transformers before 5
            return (output[0][:, :keep], *output[1:])
        return output[:, :keep]


def from_transformers(name: str) -> Any:
    """A class of transformers, which it imports on first use, torchvision with it.

    Raises:
        MissingError: transformers is not installed, or a library that it imports is broken.
    """
    library = require("transformers", "hub")
    try:
        return getattr(library, name)
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        message = f"transformers cannot load `{name}` ({reason})"
        hint = "torch and torchvision must be of one build: pip install --force-reinstall 'avtool[hub]'"
        raise MissingError(message, hint) from error


def plain_config(value: Any) -> Any:
    """Mappings as dictionaries, and tuples as lists, as transformers' configurations want them."""
    if isinstance(value, Mapping):
        return {key: plain_config(item) for key, item in value.items()}
    return [plain_config(item) for item in value] if isinstance(value, tuple) else value


def _pooled(output: Any) -> Tensor:
    """The projected feature: an output object's, or before transformers 5 the output itself."""
    return cast(Tensor, output if isinstance(output, Tensor) else output.pooler_output)
