"""The captioner of a classifier: its scores window by window, in bounded memory, as sound events."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.captioning.event import SoundEvent
from avtool.captioning.phrases.phrase_book import SoundClass, read_phrases
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.spec import Window
from avtool.data.items import Item
from avtool.inference.captioner import CAPTIONERS, CaptionerKind, FilmSounds, ModelOptions
from avtool.inference.events import Event, EventFinder
from avtool.inference.sound_tagger.frame_windows import frame_windows
from avtool.inference.sound_tagger.heard_film import HeardFilm, waveform_of
from avtool.inference.sound_tagger.onsets import OnsetCurve
from avtool.inference.sound_tagger.phrase_model import listen_for
from avtool.inference.sound_tagger.rules import Detection, Prevailing, sound_events
from avtool.inference.sound_tagger.thresholds import ClassThresholds, default_thresholds, read_thresholds
from avtool.inference.windows import in_batches, iter_windows

if TYPE_CHECKING:
    from avtool.inference.outputs import Logits
    from avtool.inference.predictor import Predictor
    from avtool.models.model_folder import ModelDescription

Scores = NDArray[np.float64]
Sweep = dict[float, list[Event]]
"""Events by the threshold at which they were found."""

_ABRUPT = ("event", "vocal")
_ONE_WINDOW = 0.15
"""How far above its threshold an abrupt sound must be that one window detects: windows overlap by half, so
that a sound lies in two of them."""
_WEAK = 0.6
"""Share of its threshold, from which a class may word the caption of a more general one."""
_LONGEST_HOP_S = 1.0
_FRAMES = 250
"""Frames at a time, of models that score frames."""
_SHORTEST_S = 0.1
_SILENCE = 1e-3
"""Root mean square of a window, below which nothing is detected in it: 60 dB below full scale."""
_EARLY_S = 0.2
"""How long before its windows' share of time an onset may be."""
_LATE_S = 0.3
"""How long after the middle of its windows an onset may be."""
_LONGEST_RISE_S = 2.0
"""How long before the middle of a short sound its onset may be."""
_LONG_WINDOW_S = 1.5
"""Windows from this length on blur sustained sounds too."""


class SoundTagger:
    """A classifier of sounds as a captioner.

    Args:
        predictor: the model.
        options: thresholds, phrases, batch size.

    Attributes:
        note: the model and its thresholds in a line.
        classes: what each class of the model is to a caption.
        thresholds: of the classes.

    Raises:
        BadInputError: thresholds or phrases cannot be read, or are of other classes.
    """

    def __init__(self, predictor: "Predictor", options: ModelOptions) -> None:
        outputs = predictor.outputs
        self.classes: tuple[SoundClass, ...] = read_phrases(options.language, options.phrases).classes(
            outputs.labels
        )
        self.thresholds: ClassThresholds = default_thresholds(self.classes, outputs.task)
        wording = "thresholds by class"
        if options.thresholds is not None:
            table = read_thresholds(options.thresholds)
            self.thresholds = self.thresholds.with_table(table, outputs.labels, options.thresholds)
            wording = f"thresholds of {options.thresholds.name}"
        if options.threshold is not None:
            self.thresholds = self.thresholds.at(options.threshold)
            wording = f"threshold {options.threshold:g}"
        self.note = f"{predictor.path.name}, {wording}"
        self._predictor, self._batch_size = predictor, options.batch_size
        definite = [one.name for one in self.classes if one.kind in ("event", "vocal", "crowd", "sustained")]
        self._has_parent = np.array([one.parent in definite and one.name in definite for one in self.classes])
        self._prevailing = Prevailing(self.classes)
        self._places = {label: place for place, label in enumerate(outputs.labels)}

    @cached_property
    def hop(self) -> float:
        """Seconds between scores: the model's own, or a quarter of a window and at most a second."""
        inputs = self._predictor.inputs
        if self._predictor.has_frames:
            window = Window(0.0, inputs.seconds, {"audio": np.zeros(1, np.float32)})  # is padded
            return float(inputs.seconds / self._predictor.frame_logits([window]).shape[1])
        return inputs.hop or min(inputs.seconds / 4, _LONGEST_HOP_S)

    def listen(self, film: Item, reporter: Reporter) -> FilmSounds:
        """The sound events of a film, or of a clip.

        Raises:
            BadInputError: it cannot be read, has nothing that the model takes, or its logits are not finite.
        """
        values, onsets, end = self.thresholds, OnsetCurve(), 0.0
        finder = self._weak_finder(values)
        for windows, probabilities in self.scores(film, reporter):
            for window, scores in zip(windows, probabilities, strict=True):
                finder.add(window.start, window.end, self._prevailing.apply(scores))
                onsets.add_window(window.start, window.end, waveform_of(window))
                end = window.end
        return FilmSounds(round(end, 3), self._sounds(finder.finish(), onsets, values))

    def record(self, film: Item, path: Path, reporter: Reporter) -> HeardFilm:
        """Listens to a film once, for `sweep` and `sounds`.

        Args:
            film: a film, or a clip.
            path: of the file to write, for its scores.
            reporter: gets warnings of damage.

        Raises:
            BadInputError: as for `listen`.
        """
        heard = HeardFilm(path, len(self.classes))
        for windows, probabilities in self.scores(film, reporter):
            heard.add(windows, np.stack([self._prevailing.apply(scores) for scores in probabilities]))
        return heard

    def sweep(self, heard: HeardFilm, grid: Sequence[float]) -> Sweep:
        """The events of a film, speech and all, at each of some thresholds for all classes."""
        finders = {value: self._finder(self.thresholds.at(value)) for value in grid}
        for start, end, scores in heard.windows():
            for finder in finders.values():
                finder.add(start, end, scores)
        return {
            value: [self._placed(one, heard.onsets) for one in finder.finish()]
            for value, finder in finders.items()
        }

    def sounds(self, heard: HeardFilm, values: ClassThresholds) -> list[SoundEvent]:
        """The sound events of a film under some thresholds, as `listen` gives them."""
        finder = self._weak_finder(values)
        for start, end, scores in heard.windows():
            finder.add(start, end, scores)
        return self._sounds(finder.finish(), heard.onsets, values)

    def scores(self, film: Item, reporter: Reporter) -> Iterator[tuple[list[Window], Scores]]:
        """Windows of a film, batch by batch, and the probabilities of the classes in them, (windows, C).

        Raises:
            BadInputError: as for `listen`.
        """
        film.ready()
        for windows, logits in self._logits(film, reporter):
            if not np.isfinite(logits).all():
                raise BadInputError(f"the logits of `{film.path}` are not finite", "train the model again")
            probabilities = self._predictor.probabilities(logits)
            silent = [(heard := waveform_of(one)) is not None and _level(heard) < _SILENCE for one in windows]
            probabilities[silent] = 0.0
            yield windows, probabilities

    def _logits(self, film: Item, reporter: Reporter) -> "Iterator[tuple[list[Window], Logits]]":
        """Windows of a film, or their frames where the model scores such, and the logits of the classes."""
        predictor, size = self._predictor, self._batch_size
        if not predictor.has_frames:
            for windows in in_batches(iter_windows(film, predictor.inputs, self.hop, reporter), size):
                yield windows, predictor.logits(windows)
            return
        seconds = predictor.inputs.seconds
        whole = in_batches(iter_windows(film, predictor.inputs, seconds / 2, reporter), size)
        scored = (pair for some in whole for pair in zip(some, predictor.frame_logits(some), strict=True))
        for frames in in_batches(frame_windows(scored, seconds), _FRAMES):
            yield [frame for frame, _ in frames], np.stack([row for _, row in frames])

    def _finder(self, values: ClassThresholds) -> EventFinder:
        labels = self._predictor.outputs.labels
        gaps, shortest = values.merge_gap, values.min_duration
        return EventFinder(labels, values.threshold, gaps, shortest, self.hop, values.release)

    def _weak_finder(self, values: ClassThresholds) -> EventFinder:
        """The same, of classes that may word a more general one from below their threshold on."""
        weak = np.where(self._has_parent, _WEAK * values.threshold, values.threshold)
        return self._finder(replace(values, threshold=weak))

    def _sounds(
        self, events: Sequence[Event], onsets: OnsetCurve, values: ClassThresholds
    ) -> list[SoundEvent]:
        """The sound events of detected classes, by the rules."""
        found = []
        for event in events:
            place = self._places[event.label]
            threshold = float(values.threshold[place])
            if self._is_sure(event, threshold):
                found.append(Detection(self._placed(event, onsets), self.classes[place], threshold))
        return sound_events(found)

    def _is_sure(self, event: Event, threshold: float) -> bool:
        """Whether more than one window detects it, or that one window does clearly."""
        place = self._places[event.label]
        if self.classes[place].kind not in _ABRUPT or event.end - event.start >= 1.5 * self.hop:
            return True
        return event.score >= (_WEAK if self._has_parent[place] else 1.0) * threshold + _ONE_WINDOW

    def _placed(self, event: Event, onsets: OnsetCurve) -> Event:
        """An event at its onset.

        The windows that detect a short sound reach equally far to either side of it: it is in the middle of
        them, and begins at the strongest onset before that. A sound that is longer than a window begins
        within the first window that detects it.
        """
        length = self.hop if self._predictor.has_frames else self._predictor.inputs.seconds
        kind = self.classes[self._places[event.label]].kind
        if kind not in _ABRUPT and not (kind == "sustained" and length > _LONG_WINDOW_S):
            return event
        half, reach = (event.end - event.start) / 2, max(0.0, (length - self.hop) / 2)
        middle = event.start + half
        if 2 * half <= length + self.hop:
            first, last = max(event.start - _EARLY_S, middle - min(length / 2, _LONGEST_RISE_S)), middle
        else:
            first, last = event.start - _EARLY_S, event.start + length / 2
        onset = onsets.strongest(max(0.0, first), last + _LATE_S)
        start = event.start + min(reach, half) if onset is None and event.start > 0 else onset or event.start
        end = max(start + _SHORTEST_S, event.end - reach)
        return replace(event, start=round(start, 3), end=round(end, 3))


def _level(waveform: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(waveform)))) if waveform.size else 0.0


def _claims(description: "ModelDescription") -> bool:
    return description.preprocess.get("task") in {"single-label", "multi-label"}


def _open(model: Path, options: ModelOptions, reporter: Reporter) -> SoundTagger:
    from avtool.inference.predictor import Predictor

    if options.texts:
        raise BadInputError(f"`{model}` has classes, and no text tower", "run it without `texts`")
    _refuse_decoding(model, options)
    return SoundTagger(Predictor(model, options.runtime, reporter), options)


def _refuse_decoding(model: Path, options: ModelOptions) -> None:
    if options.decoding:
        message = f"`{model}` is no learned captioner, and `decoding` is for those alone"
        raise BadInputError(message, "run it without `decoding`")


def _claims_phrases(description: "ModelDescription") -> bool:
    if not description.builder.startswith("transformers_audio"):
        return False
    from avtool.models.hub.text_tower import compares_texts

    return compares_texts(description.arguments)


def _open_phrases(model: Path, options: ModelOptions, reporter: Reporter) -> SoundTagger:
    from avtool.inference.predictor import Predictor

    _refuse_decoding(model, options)
    predictor = Predictor(model, options.runtime, reporter)
    only_audio = predictor.only("audio") if predictor.modality == "both" else predictor
    return SoundTagger(*listen_for(only_audio, options))


CAPTIONERS.add("sound-tagger", CaptionerKind("a classifier of sounds", _claims, _open))
CAPTIONERS.add(
    "phrase-tagger", CaptionerKind("an encoder of audio with a text tower", _claims_phrases, _open_phrases)
)
