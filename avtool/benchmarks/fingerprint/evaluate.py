"""Retrieval of clips from distorted copies, by an encoder and by classical fingerprints."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avtool.benchmarks.contamination import Contamination, measure, unrecorded
from avtool.benchmarks.fingerprint.classical import chroma_features, hash_features
from avtool.benchmarks.fingerprint.collection import Collection, System
from avtool.benchmarks.fingerprint.recording import ReadingSettings, Recording, iter_recordings
from avtool.benchmarks.fingerprint.results import fingerprint_report
from avtool.benchmarks.fingerprint.settings import FingerprintSettings
from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.spec import InputSpec, Window
from avtool.data.inputs.video import VideoInput, spread
from avtool.data.items import Item
from avtool.data.learned_clips import named_items
from avtool.data.readers.media_index import list_media
from avtool.evaluation.report import BenchmarkReport
from avtool.inference.predictor import Predictor
from avtool.models.model_files import find_learned

_SECOND = 1.0
_SMALLEST_SIDE = 128


def evaluate_fingerprints(settings: FingerprintSettings, reporter: Reporter) -> BenchmarkReport:
    """Reads clips, distorts them, and looks for each in the database of all.

    Raises:
        AvtoolError: there are fewer than two clips, or the encoder cannot be used.
    """
    encoders = _encoders(settings, reporter)
    systems = [
        System("chroma", "audio", _SECOND, chroma_features),
        System("difference hash", "video", _SECOND, hash_features),
        *(system for name, models in encoders.items() for system in _systems(name, models)),
    ]
    inputs = [model.inputs for models in encoders.values() for model in models]
    rates = [audio.settings.sample_rate for one in inputs if (audio := one.get(AudioInput))]
    sides = [video.settings.short_side for one in inputs if (video := one.get(VideoInput))]
    reading = ReadingSettings(
        clip_seconds=settings.clip_seconds,
        sample_rate=rates[0] if rates else 16000,
        fps=settings.fps,
        short_side=max([_SMALLEST_SIDE, *sides]),
    )
    collection = Collection(systems, settings.hop, settings.seed)
    paths = _paths(settings)
    with reporter.progress("reading and distorting", len(paths)) as bar:
        for path in paths:
            for recording in iter_recordings(path, reading, reporter):
                if collection.num_clips < settings.limit:
                    collection.add(recording, source=path.name)
            bar.advance(note=path.name)
    if collection.num_clips < 2:
        message = f"`{settings.data}` has {collection.num_clips} clips of at least {reading.shortest:g} s"
        raise BadInputError(message, "a database needs two clips at least")
    pairs = [name for name, models in encoders.items() if len(models) > 1]
    return _contamination(settings, paths).mark(fingerprint_report(collection, pairs))


def _contamination(settings: FingerprintSettings, paths: Sequence[Path]) -> Contamination:
    """What the encoder has learned from the files; no labels are tested here."""
    if settings.encoder is None:
        return Contamination()
    record = find_learned(Path(settings.encoder))
    if record is None:
        return unrecorded(settings.encoder, "fingerprinting", same_classes=False, unverified=True)
    matches = record.matches(named_items([Item(str(path), path) for path in paths]))
    return measure(settings.encoder, matches, len(paths), record.unknown, refused_by=())


def _paths(settings: FingerprintSettings) -> list[Path]:
    if settings.data is None:
        raise BadInputError("no --data given", "give a folder of films and audio files")
    if settings.data.is_file():
        return [settings.data]
    return [settings.data / name for name in list_media(settings.data)]


def _encoders(settings: FingerprintSettings, reporter: Reporter) -> dict[str, list[Predictor]]:
    """The encoder, and its random-init baseline, once for each modality that they take."""
    if settings.encoder is None:
        return {}
    path, runtime = Path(settings.encoder), RuntimeRecipe(device=settings.device)
    found: dict[str, list[Predictor]] = {}
    for name, seed in (("encoder", None), ("random init", settings.seed)):
        if seed is None or settings.random_init:
            whole = Predictor(path, runtime, reporter, random_seed=seed)
            if "image" in whole.inputs:
                raise BadInputError(
                    f"`{path}` is an encoder of single images", "choose one of films or audio"
                )
            kept = [whole]
            if whole.modality == "both":
                kept = [whole.only("audio"), whole.only("video")]
            found[name] = kept
    return found


def _systems(name: str, models: Sequence[Predictor]) -> list[System]:
    # both modalities are cut at the same times, so that their windows belong together
    seconds = max(model.inputs.seconds for model in models)
    return [
        System(name, "audio" if "audio" in model.inputs else "video", seconds, _features_of(model))
        for model in models
    ]


def _features_of(model: Predictor) -> Callable[[Recording, Floats, float], Floats]:
    def features(recording: Recording, starts: Floats, seconds: float) -> Floats:
        windows = [_window(recording, model.inputs, start, seconds) for start in starts.tolist()]
        found: Floats = model.features(windows).astype(np.float64)
        return found

    return features


def _window(recording: Recording, inputs: InputSpec, start: float, seconds: float) -> Window:
    """What an encoder takes of a recording from a time on."""
    values: dict[str, Any] = {}
    if audio := inputs.get(AudioInput):
        assert recording.audio is not None, "an encoder of audio is given audio"
        first = round(start * recording.sample_rate)
        length = audio.settings.samples_of(audio.num_frames)
        values[audio.name] = recording.audio[first : first + length]
    if video := inputs.get(VideoInput):
        assert recording.frames is not None, "an encoder of video is given video"
        times = spread(video.settings, start, len(recording.frames) / recording.fps - start)
        places = np.clip((times * recording.fps).astype(np.int64), 0, len(recording.frames) - 1)
        values[video.name] = video.crop(recording.scaled(places, video.settings.short_side))
    return Window(start, start + seconds, values)
