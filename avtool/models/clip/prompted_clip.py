"""A host with learned prompts as a classifier of images: zero-shot, CoOp, CoCoOp, VPT, VLP and DPT."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.core.foreign import read_by_others
from avtool.models.clip.host import ClipHost, Host, Texts
from avtool.models.clip.methods import METHODS, MethodName
from avtool.models.clip.prompts import ClassAwarePrompts, TextPrompts, VisualPass, VisualPrompts
from avtool.models.clip.towers import TowerPair
from avtool.models.frozen import content_hash
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require

Rows = tuple[tuple[int, ...], ...]
_HOSTS: dict[str, type[ClipHost] | type[TowerPair]] = {"clip": ClipHost, "towers": TowerPair}


@dataclass(frozen=True)
class PromptedClipSettings:
    """Settings of a prompted host.

    Attributes:
        host: its kind and configuration.
        method: which prompts are learned.
        tokens: (C, L) token numbers of the prompted class texts, padded.
        lengths: (C,) of them.
        places: (C, M), where in them the text prompts go.
        zero_shot_tokens, zero_shot_lengths: of the class texts in the hand-written template.
        class_specific: text prompts of each class, instead of one set for all.
        visual: visual prompts p of a layer.
        aware_from: first layer, from 1, with class-aware prompts.
        top_k: classes K that these are made of; fewer where there are fewer classes.
        beside: whether a layer with class-aware prompts takes visual prompts too, as the figure of DPT has
            it and its code has not.
        stop_gradient: whether generators pass no gradient to image tokens, as in DPT.
    """

    host: dict[str, Any]
    method: MethodName = "coop"
    tokens: Rows = ()
    lengths: tuple[int, ...] = ()
    places: Rows = ()
    zero_shot_tokens: Rows = ()
    zero_shot_lengths: tuple[int, ...] = ()
    class_specific: bool = False
    visual: int = 10
    aware_from: int = 12
    top_k: int = 10
    beside: bool = False
    stop_gradient: bool = True

    def __post_init__(self) -> None:
        counts = {len(self.tokens), len(self.lengths), len(self.places), len(self.zero_shot_tokens)}
        require(len(counts) == 1 and len(self.tokens) > 0, "every class has one text")
        require(len({len(row) for row in self.places}) == 1, "every class has as many text prompts")

    @property
    def context(self) -> int:
        """Text prompts M."""
        return len(self.places[0])


class PromptScores(NamedTuple):
    """The scores of a batch, cosines times the host's scale.

    Attributes:
        logits: (B, C), the prediction.
        text: (B, C) of the plain image features and the prompted texts; None where they are not wanted.
        image: (B, C) of the prompted images and the hand-written texts; None likewise.
        auxiliary: (B, K, C) of each layer with class-aware prompts.
        top: (B, K), the classes that these are made of, the likeliest first; None without them.
        attention: (B, K, N + 10) of each such layer: classes to tokens of the image and to the memory.
    """

    logits: Tensor
    text: Tensor | None
    image: Tensor | None
    auxiliary: tuple[Tensor, ...] = ()
    top: Tensor | None = None
    attention: tuple[Tensor, ...] = ()


class PromptedClip(nn.Module):
    """Names images by the cosines of their features with those of class texts.

    Args:
        settings: of the host and its prompts.

    Attributes:
        host: frozen by who trains the prompts, and always in evaluation mode.
        text, visual, aware: the prompts; None, or empty, where the method has none of them.
        class_chunk: classes whose texts are encoded at a time; 0 for all.

    Raises:
        BadInputError: the host cannot take the method's prompts.
        MissingError: a library of the host is not installed.
    """

    inputs = ("image",)

    def __init__(self, settings: PromptedClipSettings) -> None:
        super().__init__()
        self.settings = settings
        self.method = METHODS[settings.method]
        self.host = build_host(settings.host)
        self.class_chunk = 128
        self._features: dict[str, tuple[Hashable, Tensor]] = {}
        self._shared: list[tuple[Tensor, Tensor]] | None = None
        method, host, classes = self.method, self.host, len(settings.tokens)
        self.text: TextPrompts | None = None
        if method.text:
            self.text = TextPrompts(
                settings.context,
                host.text_width,
                classes=classes if settings.class_specific else 0,
                condition=host.embed_dim if method.conditional else 0,
            )
        self.visual: VisualPrompts | None = None
        self.aware = nn.ModuleList()
        if method.visual:
            if host.vision is None:
                message = f"the method {settings.method} needs a ViT image tower"
                raise BadInputError(message, "use --method coop, or another --backbone")
            width, layers = host.vision
            if method.class_aware and not 1 <= settings.aware_from <= layers:
                message = f"class-aware prompts from layer {settings.aware_from}: the host has 1 to {layers}"
                raise BadInputError(message, "set prompt.aware_from to one of them")
            plain = settings.aware_from - 1 if method.class_aware and not settings.beside else layers
            self.visual = VisualPrompts(1 if method.visual == "shallow" else plain, settings.visual, width)
            if method.class_aware:
                make = (
                    ClassAwarePrompts(host.embed_dim, width, classes, stop_gradient=settings.stop_gradient)
                    for _ in range(settings.aware_from - 1, layers)
                )
                self.aware = nn.ModuleList(make)
        self._tables("prompted", settings.tokens, settings.lengths, settings.places)
        empty = ((),) * classes
        self._tables("zero_shot", settings.zero_shot_tokens, settings.zero_shot_lengths, empty)

    def train(self, mode: bool = True) -> "PromptedClip":
        """Sets the prompts' mode; the host stays in evaluation mode."""
        super().train(mode)
        self.host.eval()
        return self

    def forward(self, image: Tensor | None = None, feature: Tensor | None = None) -> ClassifierOutput:
        """The logits (B, C) of images, as in `scores`."""
        return ClassifierOutput(self.scores(image, feature).logits, {})

    def scores(
        self, image: Tensor | None = None, feature: Tensor | None = None, *, guide: bool = False
    ) -> PromptScores:
        """The scores of a batch.

        Args:
            image: (B, 3, size, size), as the host wants it; without visual prompts `feature` may do instead.
            feature: (B, E), the plain features of the images, normalised, where they are known already.
            guide: whether `text` and `image` are wanted.
        """
        assert image is not None or feature is not None, "an image, or its feature"
        zero_shot = self.zero_shot_features()
        plain = feature
        if plain is None and (guide or self.method.class_aware or not self.method.visual):
            assert image is not None
            plain = self.image_features(image)
        if self.method.conditional:
            assert plain is not None
            return PromptScores(self._conditional_logits(plain), None, None)
        texts = self.class_features()
        prompted, passed, top = plain, None, None
        if self.method.visual:
            assert image is not None, "visual prompts need the image itself"
            selected = None
            if self.method.class_aware:
                assert plain is not None
                k = min(self.settings.top_k, len(zero_shot))
                top = self._cosines(plain, zero_shot).topk(k, dim=1).indices
                selected = texts[top]
            passed = VisualPass(
                self.visual,
                list(self.aware),
                selected,
                self.settings.aware_from - 1,
                beside=self.settings.beside,
            )
            stay = self.method.visual == "shallow"
            prompted = _unit(self.host.encode_image(image, passed, stay=stay))
        assert prompted is not None
        return PromptScores(
            self._cosines(prompted, texts),
            self._cosines(plain, texts) if guide and plain is not None else None,
            self._cosines(prompted, zero_shot) if guide else None,
            tuple(passed.auxiliary) if passed else (),
            top,
            tuple(passed.attention) if passed else (),
        )

    @torch.no_grad()
    def image_features(self, image: Tensor) -> Tensor:
        """The host's own features of images without prompts: (B, E), normalised."""
        return _unit(self.host.encode_image(image))

    def zero_shot_features(self) -> Tensor:
        """The features of the class texts in the hand-written template: (C, E), normalised; computed once."""
        with torch.no_grad():
            return self._kept("zero_shot", lambda: _unit(self._encode("zero_shot")))

    def class_features(self) -> Tensor:
        """The features of the prompted class texts: (C, E), not normalised; kept where nothing is learned."""
        if self.text is None:
            return self.zero_shot_features()
        if torch.is_grad_enabled() and self._shared is None:
            return self._encode("prompted", self.text())
        if torch.is_grad_enabled() and self._shared is not None:
            if not self._shared:
                features = self._encode("prompted", self.text())
                self._shared.append((features, features.detach().requires_grad_()))
            return self._shared[0][1]
        text = self.text
        return self._kept("prompted", lambda: self._encode("prompted", text()))

    @contextmanager
    def shared_texts(self) -> Iterator[None]:
        """Inside, all batches of a step share one pass of the class texts.

        Each batch is propagated back to a copy of the features alone; at the end their sum follows, once.
        """
        self._shared = []
        try:
            yield
            for features, copy in self._shared:
                if copy.grad is not None:
                    torch.autograd.backward(features, copy.grad)
        finally:
            self._shared = None

    def texts(self, name: Literal["prompted", "zero_shot"]) -> Texts:
        """The token numbers of class texts."""
        return Texts(*(getattr(self, f"_{name}_{part}") for part in Texts._fields))

    def _tables(self, name: str, tokens: Rows, lengths: tuple[int, ...], places: Rows) -> None:
        for part, values in zip(Texts._fields, (tokens, lengths, places), strict=True):
            self.register_buffer(f"_{name}_{part}", torch.tensor(values, dtype=torch.int64), persistent=False)

    def _encode(self, name: Literal["prompted", "zero_shot"], vectors: Tensor | None = None) -> Tensor:
        return self.host.encode_text(self.texts(name), vectors, chunk=self.class_chunk)

    def _conditional_logits(self, plain: Tensor) -> Tensor:
        """(B, C) with a pass of all class texts for each image (CoCoOp)."""
        assert self.text is not None
        vectors = self.text(plain.to(self.text.vectors.dtype))
        rows = [
            self._cosines(feature[None], self._encode("prompted", own))
            for feature, own in zip(plain, vectors, strict=True)
        ]
        return torch.cat(rows)

    def _cosines(self, images: Tensor, texts: Tensor) -> Tensor:
        """Cosines times the scale, in the widest precision: a bfloat16 of 100 has steps of 0.5."""
        with torch.autocast(images.device.type, enabled=False):
            units = _unit(texts)
            return self.host.scale().to(units.dtype) * images.to(units.dtype) @ units.T

    def _kept(self, name: str, compute: Callable[[], Tensor]) -> Tensor:
        """A value of the present weights, computed again when they have changed."""
        if torch.compiler.is_exporting():  # a traced tensor has no address: texts are constant
            return self._features[name][1].clone() if name in self._features else compute()
        host = tuple((each.data_ptr(), each._version, each.dtype) for each in self.host.parameters())  # noqa: SLF001
        # Prompts by content: fused optimisers change tensors without counting it.
        prompts = content_hash(self.text.state_dict()) if self.text and name == "prompted" else ""
        known = self._features.get(name)
        if known is None or known[0] != (host, prompts):
            self._features[name] = known = ((host, prompts), compute())
        return known[1]


def _unit(features: Tensor) -> Tensor:
    """Features (…, E) at length 1, in single precision or wider."""
    return F.normalize(features.to(torch.promote_types(features.dtype, torch.float32)), dim=-1)


def build_host(config: Mapping[str, Any]) -> Host:
    """The host of a configuration, with weights that are drawn at random.

    Raises:
        BadInputError: it is of no known kind.
    """
    kind = str(config.get("kind", ""))
    if kind not in _HOSTS:
        raise BadInputError(f"a host of kind `{kind}` is not known", f"choose one of {', '.join(_HOSTS)}")
    with read_by_others("the configuration of the host builds no CLIP", "is its `config.json` damaged?"):
        return _HOSTS[kind]({key: value for key, value in config.items() if key != "kind"}).eval()
