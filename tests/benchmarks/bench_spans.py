"""How fast pretraining is fed: spans decoded once beside each clip by itself, and loaders beside tiny models.

All figures are a second of processor time on one thread, so that a loaded machine does not matter much.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from avtool.core.recipe import load
from avtool.core.reporter import Silent
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.data.sections import divide_long
from avtool.media.video_frames import read_frames
from avtool.synthetic.moving_sources import ClipSettings, Recording, make_clip
from avtool.tasks import TASKS
from avtool.tasks.temporal.draw import draw_pair
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.readers import VideoReader
from tests.benchmarks.bench_loading import FILM, FILM_SECONDS, make_sounds

RECIPES = Path(__file__).parents[2] / "recipes" / "pretrain"
PAIRS, NUM_CLIPS, STEPS, RUNS = 9, 64, 4, 5


def rate(work: Callable[[], object], count: int, runs: int = 1) -> float:
    """How many a second of processor time, in the best of some runs."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return count / min(seconds)


def show(name: str, found: float, base: float) -> None:
    """One line of the table."""
    print(f"{name:52} {found:8.1f} /s   {found / base:6.2f} x", flush=True)


def bench_film(folder: Path) -> None:
    """Pairs of clips of half a minute of film: the pictures of each by itself, or of a span at once."""
    write_manifest(folder, [Clip("film", str(FILM), 0.0, FILM_SECONDS)])
    manifest = divide_long(read_manifest(folder / "manifest.parquet"), 10.0)
    reader = VideoReader(PairSettings(), FilmSource(SpanSettings()))
    drawn = []
    for number in range(PAIRS):
        clip = manifest[number % len(manifest)]
        pair = draw_pair({"video": reader.grid(clip)}, 2.0, np.random.default_rng(number))
        drawn.append((clip, pair.segments["video"]))

    def each_by_itself() -> None:
        for clip, segments in drawn:
            for segment in segments:
                times = clip.start + reader.grid(clip).offset + segment.numbers / reader.source.fps
                read_frames(manifest.local(clip.video), times.tolist(), size=128, threads=1)

    def in_spans() -> None:
        for clip, segments in drawn:
            reader.read(manifest, clip, segments)

    base = rate(each_by_itself, PAIRS)
    show("pairs of clips of a film, each clip decoded", base, base)
    show("  spans decoded once, the first epoch", rate(in_spans, PAIRS), base)
    show("  spans decoded once, from then on", rate(in_spans, PAIRS, RUNS), base)


def moving_sources(folder: Path) -> Manifest:
    """Clips of four seconds, 64 pixels, of synthetic noise that comes and goes."""
    sounds = make_sounds(folder, "flac")
    clips = []
    for number in range(NUM_CLIPS):
        recording = Recording(sounds.local(sounds[number].audio), "rain", group=str(number))
        make_clip(folder / f"{number}.mp4", recording, ClipSettings(), np.random.default_rng(number))
        clips.append(Clip(str(number), f"{number}.mp4", 0.0, 4.0, "train", group=str(number)))
    write_manifest(folder, clips)
    return read_manifest(folder / "manifest.parquet")


def bench_method(name: str, dataset: Path) -> None:
    """The clips that a tiny model learns from in a second, and those that the loader gives."""
    method = TASKS.find(name)
    recipe = load(method.recipe_type, recipe=RECIPES / f"{name}-tiny.toml", environment={})
    task = method(dataset, recipe, Silent()).prepare()
    size = recipe.loop.batch_size
    batch = task.collate([task.samples[number, 0] for number in range(size)])

    def learn() -> None:
        for _ in range(STEPS):
            seen = batch if task.transform is None else task.transform(dict(batch), torch.Generator())
            task.objective(task.model, seen)["loss"].backward()

    def feed(epoch: int) -> None:
        for first in range(0, NUM_CLIPS, size):
            numbers = range(first, min(first + size, NUM_CLIPS))
            task.collate([task.samples[number, epoch] for number in numbers])

    learn()
    learned = rate(learn, STEPS * size, RUNS)
    first = rate(lambda: feed(1), NUM_CLIPS)
    later = rate(lambda: feed(2), NUM_CLIPS, RUNS)
    show(f"{name}-tiny, forward and backward", learned, learned)
    show("  loader, the first epoch", first, learned)
    show("  loader, from then on", later, learned)


def main() -> None:
    """The whole table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["AVTOOL_CACHE_DIR"] = str(folder / "cache")
        for part in ("film", "clips"):
            (folder / part).mkdir()
        bench_film(folder / "film")
        moving_sources(folder / "clips")
        for method in ("image-mae", "audio-mae", "video-mae", "mavil", "avt"):
            bench_method(method, folder / "clips" / "manifest.parquet")


if __name__ == "__main__":
    main()
