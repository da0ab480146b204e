"""Audio-visual temporal contrast as a task: pairs, encoders, contrast, pretext tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.data.clip_filter import Wanted, with_audio
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.feature_cache import FeatureCache, cached_features
from avtool.data.inputs.settings import VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.data.manifest import Manifest
from avtool.tasks.clips import PretrainClips, find_clips
from avtool.tasks.feature_maps import ShownSamples, feature_section, first_labels
from avtool.tasks.pretraining import PretrainTask
from avtool.tasks.spectrogram_scale import measured_scale
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.recipe import AvtRecipe
from avtool.training.report import Section, load_trained
from avtool.training.task import Training, register
from avtool.training.validation import Validation

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.model_folder import ModelDescription
    from avtool.objectives.temporal.objective import TemporalObjective
    from avtool.tasks.temporal.samples import TemporalClipDataset


@register
@dataclass(frozen=True)
class TemporalTask(PretrainTask[AvtRecipe]):
    """Contrast of audio with video, and pretext tasks of time (after Jenni et al., 2023)."""

    name = "avt"
    summary = "Contrast audio with video, and learn pretext tasks of speed, direction and order."
    recipe_type = AvtRecipe
    modalities = ("audio", "video")
    builder = "avt_{}"

    @cached_property
    def clips(self) -> PretrainClips:
        """The clips; those with one modality train what they can."""
        wanted = Wanted(self.modalities, all_of_them=False)
        data = self.recipe.data
        return find_clips(self.source, data, wanted, data.audio.sample_rate, self.reporter)

    @cached_property
    def pairs(self) -> PairSettings:
        """Settings of pairs; without weight there are no pretext tasks."""
        pairs = self.recipe.data.pairs
        return pairs if self.recipe.temporal.time_weight else pairs.model_copy(update={"tasks": ()})

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        model, data = self.recipe.model, self.recipe.data
        chosen: dict[str, Any] = {
            "tasks": self.pairs.tasks,
            "num_speeds": max(2, len(data.pairs.speeds)),
            "audio_frames": data.pairs.audio_frames,
            "num_mel_bins": data.audio.num_mel_bins,
        }
        archs = {"video_arch": model.video_arch, "audio_arch": model.audio_arch}
        chosen |= {name: arch for name, arch in archs.items() if arch is not None}
        return self.build_with(chosen)

    def num_samples(self) -> int:
        """Pairs that are learned from in an epoch."""
        return len(self._samples(self.clips.train, None, None, train=True))

    def draw_sheet(self, count: int, out: Path, *, overwrite: bool = False) -> int:
        """Draws some pairs as the encoders get them, with their labels, as a PNG; how many.

        Raises:
            BadInputError: `out` exists and `overwrite` is off, or the clips cannot be used.
        """
        from avtool.tasks.temporal.preview_sheet import preview_sheet

        if out.is_dir() or (out.exists() and not overwrite):
            raise BadInputError(f"`{out}` exists", "add --overwrite, or choose another --out")
        samples = self._samples(self.clips.train, None, None, train=True)
        preview_sheet(samples, count, out, self.recipe.data.pairs.speeds)
        return min(count, len(samples))

    def prepare(self) -> Training:
        """The encoders, the contrast and the pairs.

        Raises:
            BadInputError: data, model and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate

        clips, recipe = self.clips, self.recipe
        model, arguments = self.build()
        self.load_start(model)
        # clips that serve no pretext task are refused before hours of spectrograms are computed
        for line in self._samples(clips.train, None, None, train=True).report.lines():
            self.reporter.info(line)
        spec, scale, features = self._inputs
        data = self._samples(clips.train, features, scale, train=True)
        return Training(
            model=model,
            objective=self._objective(model, data),
            samples=data,
            collate=collate,
            description=self._description(arguments, spec),
            validate=self._validation() if self.validates else None,
            groups=data.groups,
            sample_ids=[name for name in clips.train.column("clip_id") for _ in range(recipe.data.crops)],
        )

    def report(self, run: Path, training: Training) -> Sequence[Section]:  # noqa: ARG002
        """Maps of the features."""
        from avtool.data.inputs.collate import collate

        model, device = load_trained(run, self.recipe.runtime.device)
        shown = ShownSamples(
            self._held_out_samples(),
            collate,
            first_labels(self.held_out),
            _first_clips,
            held_out=self.validates,
        )
        return [feature_section(model, shown, device, self.reporter)]

    def _held_out_samples(self) -> "TemporalClipDataset":
        _, scale, features = self._inputs
        return self._samples(self.held_out, features, scale, train=False)

    def _description(self, arguments: dict[str, Any], spec: InputSpec) -> "ModelDescription":
        """How the saved model is built and fed."""
        from avtool.models.model_folder import ModelDescription

        return ModelDescription(
            self.model_name,
            arguments,
            {"method": self.name, **spec.to_json()},
            f"Encoders of video and audio, pretrained by {self.name} "
            f"({self.recipe.temporal.objective}) on {len(self.clips.train)} clips without labels. "
            "A reconstruction after Jenni et al. (AAAI 2023).",
            self.command,
            self.inputs,
            assets=spec.assets(),
        )

    def _validation(self) -> Validation:
        """What is measured on other clips."""
        from avtool.data.inputs.collate import collate
        from avtool.models.runtime import default_workers

        objective, size = self._held_out_objective(), self.recipe.loop.batch_size
        return Validation(
            objective, self._held_out_samples(), collate, size, whole_batches=True, workers=default_workers()
        )

    def _objective(self, model: "nn.Module", data: "TemporalClipDataset") -> "TemporalObjective":
        from avtool.models.runtime import launched_processes
        from avtool.objectives.temporal.mining import MiningSettings
        from avtool.objectives.temporal.objective import TemporalSettings, make_temporal_objective
        from avtool.training.plan import Plan

        temporal = self.recipe.temporal
        plan = Plan.of(self.recipe.loop, len(data), launched_processes())
        mining = MiningSettings(
            temporal.mine,
            temporal.positives,
            temporal.top,
            temporal.positive_temperature,
            temporal.negatives,
            temporal.negative_temperature,
            temporal.exclude,
        )
        settings = TemporalSettings(
            temporal.objective,
            temporal.contrast,
            temporal.temperature,
            temporal.alpha,
            temporal.queue,
            mining,
            temporal.contrast_weight,
            temporal.time_weight,
        )
        return make_temporal_objective(
            settings,
            # a memory bank by row has one slot a clip, a queue is filled by every segment
            num_clips=len(data.manifest) if temporal.objective == "avid" else len(data),
            batch=plan.batch_size * plan.processes,
            total_batches=plan.total * plan.accumulate,
            projection_dim=model.settings.projection_dim,  # type: ignore[union-attr,arg-type]
            seed=self.recipe.seed,
        )

    def _held_out_objective(self) -> "TemporalObjective":
        """What is measured on clips that are not learned from: the batch alone, without a memory of others.

        Runs with different objectives can so be compared by it.
        """
        from avtool.objectives.temporal.objective import TemporalSettings, make_temporal_objective

        temporal = self.recipe.temporal
        settings = TemporalSettings(
            "infonce", contrast_weight=temporal.contrast_weight, time_weight=temporal.time_weight
        )
        return make_temporal_objective(
            settings, num_clips=2, batch=2, total_batches=1, projection_dim=1
        ).eval()

    @cached_property
    def _inputs(self) -> tuple[InputSpec, tuple[float, float], FeatureCache | None]:
        """The inputs of the encoders, the scale of spectrograms, and these where they are cached."""
        data, clips = self.recipe.data, self.clips
        all_sound = len(with_audio(clips.whole)) == len(clips.whole)
        features = None
        if data.cache and data.pairs.audio_speed == "stride" and all_sound and clips.shards is None:
            features = cached_features(clips.whole, data.audio, self.reporter, jobs=self.jobs)
        mean, std = data.mean or 0.0, data.std
        if std is None:
            mean, std = measured_scale(clips, data.audio, features, self.reporter, jobs=self.jobs)
        video = VideoSettings(
            num_frames=data.pairs.num_frames,
            seconds=data.pairs.num_frames / data.spans.fps,
            size=data.pairs.size,
            short_side=max(data.pairs.size, data.spans.short_side),
        )
        audio = AudioInput(data.audio, data.pairs.audio_frames, mean, std)
        return InputSpec((audio, VideoInput(video))), (mean, std), features

    def _samples(
        self,
        clips: Manifest,
        features: FeatureCache | None,
        scale: tuple[float, float] | None,
        *,
        train: bool,
    ) -> "TemporalClipDataset":
        from avtool.data.decode_cache.source import FilmSource
        from avtool.tasks.temporal.samples import TemporalClipDataset

        data = self.recipe.data
        return TemporalClipDataset(
            clips,
            self.pairs,
            self.clips.shards or FilmSource(data.spans, data.audio.sample_rate),
            audio=data.audio,
            features=features.of(clips.column("clip_id")) if features else None,
            scale=scale,
            train=train,
            crops=data.crops if train else 1,
            seed=self.recipe.seed,
        )


def _first_clips(batch: "Any") -> "dict[str, Tensor]":
    """The first clip of each pair, as the encoders take it."""
    from avtool.data.inputs.video_augment import as_float

    return {name: as_float(batch, name)[:, 0] for name in TemporalTask.modalities}
