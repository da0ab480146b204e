"""Mean and standard deviation of the log-mel spectrograms of a dataset."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.settings import AudioSettings
from avtool.data.manifest import Manifest

_BLOCK = 32  # clips


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of numbers; two can be joined without loss (Chan, 1979)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Moments":
        """Of an array of any shape."""
        wide = values.astype(np.float64)
        mean = float(wide.mean())
        return cls(wide.size, mean, float(((wide - mean) ** 2).sum()))

    def joined(self, other: "Moments") -> "Moments":
        """Of both together."""
        count = self.count + other.count
        if not count:
            return self
        step = other.mean - self.mean
        mean = self.mean + step * other.count / count
        squares = self.squares + other.squares + step**2 * self.count * other.count / count
        return Moments(count, mean, squares)

    @property
    def std(self) -> float:
        """The standard deviation of the numbers themselves (not an estimate from a sample of them)."""
        return float(np.sqrt(self.squares / self.count))


@dataclass(frozen=True)
class FbankStatistics:
    """What models scale their spectrograms by: (x - mean) / (2 std)."""

    mean: float
    std: float
    clips: int
    frames: int


def fbank_statistics(
    manifest: Manifest,
    settings: AudioSettings,
    reporter: Reporter,
    *,
    jobs: int = 1,
    features: FeatureCache | None = None,
) -> FbankStatistics:
    """Mean and standard deviation over every value of every clip, in one pass.

    Args:
        manifest: the clips; take those of the training split.
        settings: of the spectrograms.
        reporter: gets progress.
        jobs: processes; -1 for one a processor.
        features: the spectrograms of these clips, where they are cached; half precision changes the fifth
            digit.

    Raises:
        BadInputError: a clip cannot be read, or there is none.
    """
    assert settings.kind == "fbank", settings.kind
    if not len(manifest):
        raise BadInputError(f"`{manifest.origin}` has no clips", "choose another split")
    total = Moments()
    with reporter.progress("statistics", len(manifest)) as bar:
        if features is not None:
            for clip in range(len(features)):
                total = total.joined(Moments.of(features[clip]))
                bar.advance()
        else:
            blocks = [manifest[first : first + _BLOCK] for first in range(0, len(manifest), _BLOCK)]
            tasks = [(number, block, settings) for number, block in enumerate(blocks)]
            done: dict[int, Moments] = {}
            for number, moments in map_unordered(_moments_of, tasks, jobs=jobs):
                if isinstance(moments, BadInputError):
                    raise moments
                done[number] = moments
                bar.advance(len(blocks[number]))
            for number in range(len(blocks)):  # in this order, so that the processes do not change the result
                total = total.joined(done[number])
    if total.squares == 0:
        raise BadInputError(f"all audio of `{manifest.origin}` is silent", "check the media")
    return FbankStatistics(total.mean, total.std, len(manifest), total.count // settings.num_mel_bins)


def _moments_of(task: tuple[int, Manifest, AudioSettings]) -> tuple[int, Moments | BadInputError]:
    """The moments of some clips; runs in a worker process."""
    from avtool.data.inputs.spectrogram import compute_features

    number, clips, settings = task
    total = Moments()
    for clip in clips:
        try:
            total = total.joined(Moments.of(compute_features(clips, clip.audio, settings).numpy()))
        except BadInputError as error:
            return number, BadInputError(f"clip `{clip.clip_id}`: {error.message}", error.hint)
    return number, total
