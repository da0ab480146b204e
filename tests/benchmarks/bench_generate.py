"""How fast PVDM computes beside a plain transcription of the published code, with the same weights.

`python -m tests.benchmarks.bench_generate`: the tiny sizes, and U-Net S; `--compile` compiled too. Ratios
are speeds beside the plain one. Of the U-Net, ways with one decision undone: channels_last, planes of one
shape as one batch, contiguous queries, keys and values. Then what caches save, frames in memory maps and
latents, and the memory that long videos take.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from avtool.core.reporter import Silent
from avtool.data.clip_cache import cache_clips
from avtool.data.frame_clips import find_frame_sources, read_clip_at
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from avtool.objectives.diffusion import NoisePrediction
from tests.benchmarks.plain_pvdm import predict, reconstruct
from tests.benchmarks.pvdm_ways import ways
from tests.harness import environment, write_video_clips

Work = Callable[[], object]


def seconds(works: dict[str, Work], repeats: int) -> dict[str, float]:
    """The least processor time of each, taken in turns after one to warm up: others slow the machine too."""
    best = dict.fromkeys(works, float("inf"))
    for turn in range(repeats + 1):
        for name, work in works.items():
            begun = time.process_time()
            work()
            if turn:
                best[name] = min(best[name], time.process_time() - begun)
    return best


def report(title: str, works: dict[str, Work], units: int, repeats: int) -> None:
    """Prints units a second of each work, and its ratio to the last, the peer."""
    times = seconds(works, repeats)
    peer = list(times.values())[-1]
    for name, value in times.items():
        print(f"{title:38s} {name:16s} {units / value:9.2f}/s  ratio {peer / value:5.2f}", flush=True)


def bench_autoencoder(batch: int, repeats: int, compiled: bool) -> None:
    """Clips a second, forward, and forward with backward."""
    torch.manual_seed(0)
    model = create("pvdm_autoencoder_tiny")
    video = torch.rand(batch, 3, 8, 64, 64) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(model(video), reconstruct(model, video), atol=1e-5, rtol=1e-5)

    def forward(network: Callable[..., torch.Tensor]) -> Work:
        def work() -> None:
            with torch.inference_mode():
                network(video)

        return work

    def learn(network: Callable[..., torch.Tensor]) -> Work:
        return lambda: network(video).square().mean().backward()

    def peer(clips: torch.Tensor) -> torch.Tensor:
        return reconstruct(model, clips)

    networks: dict[str, Callable[..., torch.Tensor]] = {"ours": model}
    if compiled:
        networks["compiled"] = torch.compile(model)
    networks["plain"] = peer
    title = f"autoencoder tiny, batch {batch}, clips"
    report(f"{title} decoded", {way: forward(network) for way, network in networks.items()}, batch, repeats)
    report(f"{title} learned", {way: learn(network) for way, network in networks.items()}, batch, repeats)


def bench_unet(name: str, batch: int, repeats: int, compiled: bool) -> None:
    """Steps of sampling, and of training, a second."""
    torch.manual_seed(0)
    model = create(name)
    for value in model.parameters():
        value.data.add_(0.02 * torch.randn_like(value))
    settings = model.settings
    shape = (batch, settings.latent_channels, model.grid.length)
    latents, condition, times = torch.randn(shape), torch.randn(shape), torch.arange(batch)
    networks = ways(model, compiled=compiled)
    with torch.no_grad():
        wanted = predict(model, latents, times, condition)
        for network in networks.values():
            torch.testing.assert_close(network(latents, times, condition), wanted, atol=1e-4, rtol=1e-4)

    def forward(network: Callable[..., torch.Tensor]) -> Work:
        def work() -> None:
            with torch.inference_mode():
                network(latents, times, condition)

        return work

    def learn(network: Callable[..., torch.Tensor]) -> Work:
        return lambda: network(latents, times, condition).square().mean().backward()

    title = f"{name}, batch {batch}, steps"
    report(f"{title} drawn", {way: forward(network) for way, network in networks.items()}, 1, repeats)
    report(f"{title} learned", {way: learn(network) for way, network in networks.items()}, 1, repeats)


def bench_caches(repeats: int) -> None:
    """Clips a second of a memory map and of a film; steps a second of kept latents and of clips."""
    with tempfile.TemporaryDirectory() as folder:
        films = write_video_clips(Path(folder) / "films", 1, seconds=20.0)
        cache_clips(films, Path(folder) / "cache", (64, 64), 8, Silent())
        rng = np.random.default_rng(0)
        works: dict[str, Work] = {}
        for name in ("cache", "films"):
            (source, *_) = find_frame_sources(Path(folder) / name)
            works[name] = lambda source=source: read_clip_at(source, int(rng.integers(300)), 8, (64, 64))
        report("clips read", works, 1, 5 * repeats)
    torch.manual_seed(0)
    autoencoder, model = create("pvdm_autoencoder_tiny"), create("pvdm_unet_tiny")
    objective, video = NoisePrediction(), torch.rand(16, 3, 8, 64, 64) * 2 - 1

    def learn(encodes: bool) -> Work:
        with torch.no_grad():
            kept = autoencoder.encode(video)

        def work() -> None:
            with torch.no_grad():
                latents = autoencoder.encode(video) if encodes else kept
            batch = {"latents": latents, "latents_condition": torch.zeros_like(latents)}
            batch |= {"noise": torch.randn_like(latents), "timestep": torch.randint(1000, (16,))}
            objective(model, batch)["loss"].backward()

        return work

    works = {"latents": learn(False), "encoded": learn(True)}
    report("U-Net tiny, batch 16, steps learned", works, 1, repeats)


def bench_memory() -> None:
    """Peak memory of videos of 16 and of 128 frames, each drawn in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        model = save_generator(Path(folder))
        for clips in (2, 16):
            options = f"--count 4 --clips {clips} --steps 2 --next-steps 2 --format frames --device cpu -q"
            words = ["generate", "sample", str(model), *options.split(), "--out", f"{folder}/of-{clips}"]
            code = f"import resource, sys; from avtool.cli.main import run; code = run({words!r}); "
            code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024); sys.exit(code)"
            done = subprocess.run(
                [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
            )
            print(f"4 videos of {8 * clips} frames: {done.stdout.split()[-1]} MiB at most", flush=True)


def save_generator(folder: Path) -> Path:
    """A small diffusion model with its autoencoder, random weights."""
    torch.manual_seed(0)
    autoencoder, unet = create("pvdm_autoencoder_tiny"), create("pvdm_unet_tiny")
    first = ModelDescription("pvdm_autoencoder_tiny", {}, {"task": "video-autoencoder"})
    save_model(folder / "autoencoder", autoencoder.state_dict(), first)
    assets = {"autoencoder": folder / "autoencoder"}
    second = ModelDescription("pvdm_unet_tiny", {}, {"task": "video-diffusion"}, assets=assets)
    save_model(folder / "model", unet.state_dict(), second)
    return folder / "model"


PARTS = ("autoencoder", "unet", "unet-s", "caches", "memory")


def main() -> None:
    """Prints all rows, or those of some parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], help=f"of {', '.join(PARTS)}; all by default"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts, repeats = given.parts or PARTS, given.repeats
    if "autoencoder" in parts:
        for batch in (1, 8):
            bench_autoencoder(batch, repeats, given.compile)
    if "unet" in parts:
        for batch in (1, 16):
            bench_unet("pvdm_unet_tiny", batch, repeats, given.compile)
    if "unet-s" in parts:
        bench_unet("pvdm_unet_s", 1, max(repeats // 3, 1), given.compile)
    if "caches" in parts:
        bench_caches(repeats)
    if "memory" in parts:
        bench_memory()


if __name__ == "__main__":
    main()
