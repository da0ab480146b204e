"""Mean and standard deviation of spectrograms, measured on the training clips."""

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import with_audio
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.settings import AudioSettings
from avtool.data.manifest import Manifest
from avtool.data.shards.source import ShardSource
from avtool.data.spectrogram_statistics import Moments, fbank_statistics
from avtool.tasks.clips import PretrainClips

_ENOUGH = 1000
"""Clips of shards that are measured: enough for the deviation to far better than a percent."""


def measured_scale(
    clips: PretrainClips,
    audio: AudioSettings,
    features: FeatureCache | None,
    reporter: Reporter,
    *,
    jobs: int = 1,
) -> tuple[float, float]:
    """Mean and standard deviation of the spectrograms of the training clips that have audio.

    Args:
        clips: the clips.
        audio: settings of the spectrograms.
        features: those of all clips, where they are cached.
        reporter: receives the result.
        jobs: processes.

    Raises:
        BadInputError: a clip cannot be read, or all audio is silent.
    """
    train = with_audio(clips.train)
    if clips.shards is not None:
        mean, std, count = _of_shards(train, clips.shards, audio)
    else:
        known = features.of(train.column("clip_id")) if features else None
        found = fbank_statistics(train, audio, reporter, jobs=jobs, features=known)
        mean, std, count = found.mean, found.std, found.clips
    reporter.info(f"spectrograms: mean {mean:.4f}, std {std:.4f} over {count} clips")
    return mean, std


def _of_shards(train: Manifest, source: ShardSource, audio: AudioSettings) -> tuple[float, float, int]:
    """The same of clips in shards, of which every n-th is measured."""
    import torch

    from avtool.data.inputs.spectrogram import features_of

    total, measured = Moments(), train[:: max(1, len(train) // _ENOUGH)]
    for clip in measured:
        waveform = source.audio(train, clip, 0, max(audio.window_size, audio.num_samples(clip.duration)))
        total = total.joined(Moments.of(features_of(torch.from_numpy(waveform), audio).numpy()))
    if not total.count or total.squares == 0:
        raise BadInputError(f"all audio of `{train.origin}` is silent", "check the media")
    return total.mean, total.std, len(measured)
