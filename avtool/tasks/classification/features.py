"""Spectrograms of clips from the cache, and the statistics that scale them."""

from avtool.core.reporter import Reporter
from avtool.data.clip_filter import with_audio
from avtool.data.inputs.feature_cache import FeatureCache, cached_features
from avtool.data.manifest import Manifest
from avtool.data.spectrogram_statistics import fbank_statistics
from avtool.tasks.classification.recipe import FinetuneRecipe


class FeatureSource:
    """Gives the spectrograms of clips, computed on first use.

    Args:
        recipe: settings of spectrograms, and whether they are cached.
        reporter: receives progress.
        jobs: processes.
        whole: clips that are cached together, so that each choice of folds finds them; None caches
            the clips of each call.
    """

    def __init__(
        self, recipe: FinetuneRecipe, reporter: Reporter, jobs: int, whole: Manifest | None = None
    ) -> None:
        self.settings = recipe.data.audio
        self.enabled = recipe.data.cache and not recipe.augment.mix_waveforms
        self.reporter = reporter
        self.jobs = jobs
        self._whole = whole
        self._opened: FeatureCache | None = None

    def of(self, clips: Manifest) -> FeatureCache | None:
        """The spectrograms of these clips; None where sound is decoded each time.

        Raises:
            BadInputError: a clip cannot be read.
        """
        if not self.enabled or len(with_audio(clips)) < len(clips):
            return None
        if self._whole is None or len(with_audio(self._whole)) < len(self._whole):
            return cached_features(clips, self.settings, self.reporter, jobs=self.jobs)
        if self._opened is None:
            self._opened = cached_features(self._whole, self.settings, self.reporter, jobs=self.jobs)
        return self._opened.of(clips.column("clip_id"))

    def scale(self, clips: Manifest, features: FeatureCache | None) -> tuple[float, float]:
        """Mean and standard deviation of the spectrograms of training clips."""
        found = fbank_statistics(
            with_audio(clips), self.settings, self.reporter, jobs=self.jobs, features=features
        )
        self.reporter.info(
            f"spectrograms: mean {found.mean:.4f}, std {found.std:.4f} over {found.clips} training clips"
        )
        return found.mean, found.std
