"""What learned prompts are like: the words nearest to text prompts, and what class-aware ones attend to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.data.inputs.image import ImageInput
from avtool.data.items import Item

if TYPE_CHECKING:
    from avtool.models.load import LoadedModel

_TILE = 224
_CAPTION = 28
_TINT = np.array([200, 60, 30], np.float64)


@dataclass(frozen=True)
class NearWords:
    """The words nearest to one vector.

    Attributes:
        class_name: of vectors of each class; "" of shared ones.
        vector: its number, from 1.
        words: the nearest ones.
        distances: Euclidean, to each.
    """

    class_name: str
    vector: int
    words: tuple[str, ...]
    distances: tuple[float, ...]


def nearest_words(path: Path, count: int) -> list[NearWords]:
    """The words of the host's vocabulary whose embeddings are nearest to each text prompt (CoOp, 4.4).

    Args:
        path: a model of `prompt-tune clip`, or its run.
        count: words of each vector.

    Raises:
        BadInputError: the model has no text prompts.
    """
    import torch

    from avtool.tasks.clip_prompts.transfer import host_of

    loaded, model = _load(path)
    if model.text is None:
        raise BadInputError(
            f"`{path}` has no text prompts ({model.settings.method})", "give a CoOp, VLP or DPT"
        )
    tokenizer = host_of(loaded).tokenizer
    vectors = model.text.vectors.detach()
    table = model.host.token_embedding.weight.detach()
    names = list(loaded.preprocess["labels"]) if vectors.dim() == 3 else [""]
    found = []
    for name, own in zip(names, vectors if vectors.dim() == 3 else vectors[None], strict=True):
        near = torch.cdist(own, table).topk(count, largest=False)
        for number, (distances, tokens) in enumerate(zip(near.values, near.indices, strict=True), start=1):
            words = (tokenizer.convert_ids_to_tokens(int(token)).replace("</w>", "") for token in tokens)
            found.append(NearWords(name, number, tuple(words), tuple(round(float(d), 4) for d in distances)))
    return found


@dataclass(frozen=True)
class ClassAttention:
    """What the class-aware prompt of one class attends to, in the last layer that has one.

    Attributes:
        class_name: of the class.
        probability: that the model gives it.
        patches: share on the image's patches.
        class_token: share on the class token.
        memory: share on the learned memory.
        map: (rows, columns) of patches; sums to `patches`.
    """

    class_name: str
    probability: float
    patches: float
    class_token: float
    memory: float
    map: NDArray[np.float64]


def class_attention(path: Path, image: Path) -> list[ClassAttention]:
    """The attention of the class-aware prompts of an image, the zero-shot classifier's likeliest class first.

    Args:
        path: a model of DPT, or its run.
        image: a photograph, or a film, of which the middle frame is taken.

    Raises:
        BadInputError: the model has no class-aware prompts, or the image cannot be read.
    """
    import torch

    loaded, model = _load(path)
    if not model.method.class_aware:
        raise BadInputError(f"`{path}` has no class-aware prompts ({model.settings.method})", "give a DPT")
    with torch.no_grad():
        scores = model.scores(_read(loaded, image)[None])
    assert scores.top is not None, "class-aware prompts are of some classes"
    shares = scores.logits.softmax(dim=1)[0]
    tokens = scores.attention[-1].shape[-1] - len(model.aware[-1].memory)
    side = round((tokens - 1) ** 0.5)
    found = []
    for place, rows in zip(scores.top[0], scores.attention[-1][0].double().numpy(), strict=True):
        patches = rows[1:tokens].reshape(side, side)
        found.append(
            ClassAttention(
                str(loaded.preprocess["labels"][int(place)]),
                float(shares[place]),
                float(patches.sum()),
                float(rows[0]),
                float(rows[tokens:].sum()),
                patches,
            )
        )
    return found


def draw_attention(path: Path, image: Path, maps: list[ClassAttention], out: Path) -> None:
    """A PNG with the image as the model sees it, and over it each class's attention.

    Args:
        path: the model.
        image: as for `class_attention`.
        maps: what that gave.
        out: the file.
    """
    from avtool.data.inputs.settings import ImageSettings

    loaded, _ = _load(path)
    settings = ImageInput.from_json("image", loaded.preprocess["inputs"]["image"], path).settings
    assert isinstance(settings, ImageSettings), "the task writes them"
    pixels = _read(loaded, image).permute(1, 2, 0).double().numpy() * settings.std + settings.mean
    seen = Image.fromarray((255 * pixels).clip(0, 255).astype(np.uint8)).resize((_TILE, _TILE))
    sheet = Image.new("RGB", (_TILE * (1 + len(maps)), _TILE + _CAPTION), "white")
    sheet.paste(seen, (0, 0))
    pen = ImageDraw.Draw(sheet)
    for number, one in enumerate(maps, start=1):
        share = Image.fromarray((one.map / one.map.max()).astype(np.float32)).resize(
            (_TILE, _TILE), Image.Resampling.BICUBIC
        )
        weight = 0.75 * np.asarray(share, np.float64).clip(0, 1)[..., None]
        mixed = np.asarray(seen, np.float64) * (1 - weight) + _TINT * weight
        sheet.paste(Image.fromarray(mixed.astype(np.uint8)), (_TILE * number, 0))
        pen.text((_TILE * number + 4, _TILE + 8), f"{one.class_name} {one.probability:.2f}", fill="black")
    with atomic_file(out) as partial:
        sheet.save(partial, format="PNG")


def _load(path: Path) -> "tuple[LoadedModel, Any]":
    from avtool.tasks.clip_prompts.transfer import load_prompted

    return load_prompted(path)


def _read(loaded: "LoadedModel", image: Path) -> Any:
    """(3, size, size), as the host wants it."""
    read = ImageInput.from_json("image", loaded.preprocess["inputs"]["image"], image)
    item = Item(str(image), image)
    item.ready()
    (_, found), *_ = read.windows(item, read.seconds)
    return found
