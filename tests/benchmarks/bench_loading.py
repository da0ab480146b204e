"""How fast training clips come: decoded or from cached features, and from films or their small copies."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch.utils.data import DataLoader
from torchaudio.compliance import kaldi
from torchaudio.functional import resample

from avtool.core.reporter import Silent
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.collate import collate
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.video import VideoInput
from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.media.transcode import transcode_short_gop
from avtool.tasks.classification.samples import ClipDataset

NUM_CLIPS, SECONDS, RATE = 64, 5.0, 44100
BATCH_SIZE = 16
FILM_SECONDS, FILM_WINDOWS = 30, 8
TEST_DATA = Path(os.environ.get("AVTOOL_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILM = TEST_DATA / "video" / "big_buck_bunny_480p_30s_surround.mp4"


def clips_per_second(work: Callable[[], int]) -> float:
    """Clips a second of wall time, the best of two runs."""
    rates = []
    for _ in range(2):
        start = time.perf_counter()
        count = work()
        rates.append(count / (time.perf_counter() - start))
    return max(rates)


def make_sounds(folder: Path, suffix: str) -> Manifest:
    """Five-second clips of coloured noise at 44.1 kHz."""
    rng = np.random.default_rng(0)
    clips = []
    for number in range(NUM_CLIPS):
        sound = np.cumsum(rng.standard_normal(round(SECONDS * RATE))).astype(np.float32)
        sound -= np.convolve(sound, np.ones(64) / 64, "same")
        soundfile.write(folder / f"{number}.{suffix}", 0.5 * sound / np.abs(sound).max(), RATE)
        clips.append(Clip(f"{number}", f"{number}.{suffix}", 0.0, SECONDS))
    write_manifest(folder, clips)
    return read_manifest(folder / "manifest.parquet")


def load(dataset: ClipDataset, num_workers: int = 0) -> int:
    """One epoch."""
    loader = DataLoader(dataset, BATCH_SIZE, num_workers=num_workers, collate_fn=collate)
    return sum(len(batch["index"]) for batch in loader)


def usual_way(manifest: Manifest) -> int:
    """What published data loaders do: read, resample, Kaldi's filter bank, one clip after the other."""
    for clip in manifest:
        sound, rate = soundfile.read(manifest.local(clip.audio), dtype="float32")
        waveform = resample(torch.from_numpy(sound)[None], rate, 16000)
        kaldi.fbank(waveform - waveform.mean(), window_type="hanning", num_mel_bins=128, dither=0.0)
    return len(manifest)


def show(name: str, rate: float, base: float) -> None:
    """One line of the table."""
    print(f"{name:44} {rate:8.1f} clips/s   {rate / base:6.2f} x")


def bench_sounds(folder: Path, suffix: str) -> None:
    """Decoding each time, in this process and in a worker, beside the cache."""
    (folder / suffix).mkdir()
    manifest, settings = make_sounds(folder / suffix, suffix), AudioSettings()
    view = AudioInput(settings, 512)
    usual = clips_per_second(lambda: usual_way(manifest))
    show(f"{suffix}: soundfile, torchaudio, Kaldi", usual, usual)
    show(
        f"{suffix}: avtool, decoded each time",
        clips_per_second(lambda: load(ClipDataset(manifest, [view]))),
        usual,
    )
    begin = time.perf_counter()
    features = cached_features(manifest, settings, Silent(), folder=folder / f"features-{suffix}")
    taken = time.perf_counter() - begin
    show(f"{suffix}: making the cache, once", NUM_CLIPS / taken, usual)
    cached = ClipDataset(manifest, [AudioInput(settings, 512, features=features)])
    show(f"{suffix}: avtool, cached features", clips_per_second(lambda: load(cached)), usual)


def bench_films(folder: Path, film: Path) -> None:
    """Windows of eight frames out of a real film, beside its small copy."""
    transcode_short_gop(film, folder / "copy.mp4", height=256)
    starts = np.linspace(0, FILM_SECONDS - 8, FILM_WINDOWS)
    rates = {}
    for name, path in (("a film of 854x480", film), ("its copy, 256 lines", folder / "copy.mp4")):
        clips = [Clip(f"{start}", str(path), float(start), float(start) + 8) for start in starts]
        write_manifest(folder, clips)
        manifest = read_manifest(folder / "manifest.parquet")
        dataset = ClipDataset(manifest, [VideoInput(VideoSettings())], train=True)
        rates[name] = clips_per_second(lambda dataset=dataset: load(dataset))
        show(f"{name}: windows of 8 frames", rates[name], rates["a film of 854x480"])


def main() -> None:
    """Prints clips a second of one core, and ratios."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        for suffix in ("ogg", "flac"):
            bench_sounds(Path(name), suffix)
        if FILM.is_file():
            bench_films(Path(name), FILM)


if __name__ == "__main__":
    main()
