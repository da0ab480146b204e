"""What fusion costs: MBT's variants beside late fusion, in multiply-adds and in processor time."""

import time
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from avtool.models.mbt.mbt import MBT
from avtool.models.registry import create

TURNS = 16
PUBLISHED = {"video_frames": 16, "audio_frames": 800}  # 1569 and 401 tokens
SMALL = {"embed_dim": 192, "num_heads": 3, "mlp_dim": 768, "video_frames": 8, "depth": 6, "fusion_layer": 4}
VARIANTS: dict[str, dict[str, Any]] = {
    "late": {},
    "bottleneck": {"fusion": "bottleneck"},
    "shared": {"fusion": "shared"},
    "cross, own queries": {"fusion": "cross"},
    "cross, all queries": {"fusion": "cross", "cross_queries": "all"},
}


def build(name: str, sizes: dict[str, Any]) -> MBT:
    overrides = {**sizes, **VARIANTS[name]}
    if name == "late":
        overrides["fusion_layer"] = sizes.get("depth", 12)
    model = create("mbt_base", **overrides).eval()
    assert isinstance(model, MBT)
    return model


def inputs(model: MBT) -> dict[str, torch.Tensor]:
    return {name: torch.randn(1, *shape) for name, shape in model.settings.input_shapes.items()}


def giga_macs(name: str) -> float:
    """Multiply-adds of the base size for one clip, in 10⁹; counted on shapes alone."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        model = build(name, PUBLISHED)
        model(**inputs(model))
    return counter.get_total_flops() / 2e9


def measure() -> list[dict[str, float]]:
    """Processor time of small models for one clip; they take turns, after one to warm up."""
    models = {name: build(name, SMALL) for name in VARIANTS}
    given = inputs(models["late"])
    turns = []
    with torch.inference_mode():
        for _ in range(TURNS + 1):
            times = {}
            for name, model in models.items():
                start = time.process_time()
                model(**given)
                times[name] = time.process_time() - start
            turns.append(times)
    return turns[1:]


def main() -> None:
    """Prints a row a variant."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    turns = measure()
    least = {name: min(times[name] for times in turns) for name in VARIANTS}
    for name, taken in least.items():
        print(
            f"{name:20} base size {giga_macs(name):6.0f} GMAC   small size {taken:.3f} s   "
            f"{taken / least['late']:.2f} x late fusion"
        )


if __name__ == "__main__":
    main()
