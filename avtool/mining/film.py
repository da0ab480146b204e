"""One film through the whole of mining: captions, tags, audio, time map, events, clips.

The caption side runs first: a film without a single sound cue is refused before its audio is decoded. A
film's results lie in one folder that appears only when they are complete, so an interrupted batch redoes at
most the films it was working on.
"""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import link_tree, need_space, write_json, writing
from avtool.core.reporter import Recorder, Reporter
from avtool.media.audio_decode import AudioTrack, decode_audio
from avtool.media.captions.cue import Captions
from avtool.media.captions.embedded import list_caption_streams
from avtool.media.probe import MediaInfo, probe
from avtool.mining.alignment import align, on_film_clock, speech_of
from avtool.mining.caption_language import has_lexicon, language_of
from avtool.mining.events import Event, build_events
from avtool.mining.film_clips import write_clips
from avtool.mining.film_record import RECORD, FilmInputs, FilmRecord, read_record
from avtool.mining.grammar import ParsedCaptions, parse_cues
from avtool.mining.onset import refine_onset
from avtool.mining.pairing import FilmPair, caption_file_of, fetch_pair, load_film_captions
from avtool.mining.recipe import MineRecipe
from avtool.mining.review.apply import apply_review
from avtool.mining.review.decisions import Decision
from avtool.mining.sync.outcome import SyncResult
from avtool.mining.tagger import Tagger, default_sources, load_lexicon

AUDIO = "audio.npy"


@dataclass(frozen=True)
class FilmTask:
    """What a worker needs to mine one film.

    Attributes:
        pair: the film and its captions.
        folder: the film's own result folder; it appears when the film is done.
        recipe: the settings.
        earlier: where a finished dataset may hold this film's results.
        decisions: of reviewers on this film's events, by the event's id within the film.
        trust_times: whether files of the size and modification time of an earlier run have its content.
    """

    pair: FilmPair
    folder: Path
    recipe: MineRecipe
    earlier: Path | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    trust_times: bool = False


def mine_film(task: FilmTask, reporter: Reporter) -> tuple[FilmRecord, bool]:
    """Mines one film into `task.folder`, unless the same was done before.

    Returns:
        What was found, and whether it is an earlier result (same files, same settings).

    Raises:
        AvtoolError: film, captions or disk do not allow it.
    """
    fetch_pair(task.pair)
    records = [(folder, read_record(folder)) for folder in (task.folder, task.earlier) if folder]
    known = next((record for _, record in records if record), None) if task.trust_times else None
    inputs = FilmInputs.of(task.pair, task.recipe, task.decisions, known)
    for folder, record in records:
        if record and record.key == inputs.key:
            if folder != task.folder:
                link_tree(folder, task.folder)
            return record, True
    partial = task.folder.with_name(f".{task.folder.name}.partial")
    with writing(partial):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    try:
        record = _Mining(task, inputs, partial, reporter).run()
        write_json(partial / RECORD, record.to_dict(), indent=None)
        with writing(task.folder):
            shutil.rmtree(task.folder, ignore_errors=True)
            partial.replace(task.folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return record, False


@cache
def _tagger(lexicon: Path | None, language: str) -> Tagger:
    return Tagger(load_lexicon(lexicon, language))


class _Mining:
    """The steps of one film, in order, with what they hand to each other."""

    def __init__(self, task: FilmTask, inputs: FilmInputs, folder: Path, reporter: Reporter) -> None:
        self.pair, self.recipe, self.earlier = task.pair, task.recipe, task.earlier
        self.decisions = task.decisions
        self.folder, self.reporter = folder, reporter
        self.talk = Recorder()
        self.record = FilmRecord(
            task.pair.film_id, task.pair.film_name, inputs.key, inputs.files, inputs.states
        )
        self.language = ""
        self.tagger = _tagger(task.recipe.lexicon, self.language)

    def run(self) -> FilmRecord:
        record = self.record
        with self._step("captions"):
            info = probe(self.pair.film)
            captions, parsed = self._read_captions(info)
        with self._step("audio"):
            track = self._decode(info, num_tags=len(parsed.tags))
            record.duration_s = track.num_samples / track.sample_rate
            record.audio_stream = track.stream
        with self._step("sync"):
            sync = self._synchronise(captions, parsed, track)
        with self._step("events"):
            events = self._events(parsed, sync, track)
        with self._step("clips"):
            events, record.previews = write_clips(events, track, info, self.folder, self.recipe.clip)
        if not self.recipe.clip.keep_audio:
            track.path.unlink()
            record.audio = {}
        record.events = events
        record.notes = self.talk.infos
        record.warnings = [*self.talk.warnings, *_warnings(captions, sync, track)]
        return record

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        self.reporter.detail(f"{self.pair.film_id}: {name}")
        yield
        self.record.timings[name] = round(time.perf_counter() - begin, 3)

    def _read_captions(self, info: MediaInfo) -> tuple[Captions, ParsedCaptions]:
        if not info.audio:
            hint = "mining needs audio: give another film"
            raise BadInputError(f"`{info.path}` has no audio stream", hint)
        captions = on_film_clock(load_film_captions(self.pair, self.recipe.language, info.fps), info)
        self.language = language_of(captions, caption_file_of(self.pair, self.recipe.language))
        self.tagger = _tagger(self.recipe.lexicon, self.language)
        parsed = parse_cues(
            captions.cues,
            tag=self.tagger.tag,
            caps_style=self.recipe.caps_style,
            keep_lyrics=self.recipe.keep_lyrics,
        )
        if not parsed.tags:
            raise _no_sound_cues(captions, self.pair)
        self.record.set_captions(captions, self.language)
        if not has_lexicon(self.language) and not self.recipe.lexicon:
            self.talk.warn(
                f"{captions.source}: no lexicon for captions in `{self.language}`: most tags will have"
                " no label; add words with --lexicon"
            )
        self.record.rules = parsed.counts
        return captions, parsed

    def _decode(self, info: MediaInfo, num_tags: int) -> AudioTrack:
        recipe, clips = self.recipe.clip, self.recipe.clip.format != "none"
        samples = (info.duration_s or 0) * recipe.sample_rate
        samples += num_tags * recipe.max_length * recipe.sample_rate if clips else 0
        need_space(self.folder, int(2 * samples), f"mining `{self.pair.film}`")
        stream = self.recipe.audio_stream if self.pair.audio_stream is None else self.pair.audio_stream
        source = [self.record.inputs[self.pair.film_name], stream, self.language, recipe.sample_rate]
        track = self._kept_audio(source)
        if track is None:
            track = decode_audio(
                self.pair.film,
                self.folder / AUDIO,
                sample_rate=recipe.sample_rate,
                stream=stream,
                language=self.language,
                reporter=self.talk,
            )
        self.record.audio = {"source": source, "track": {**asdict(track), "path": AUDIO}}
        return track

    def _kept_audio(self, source: list[Any]) -> AudioTrack | None:
        """The audio that an earlier run with `keep_audio` decoded from the same film."""
        record = read_record(self.earlier) if self.earlier else None
        if record is None or record.audio.get("source") != source:
            return None
        assert self.earlier is not None
        with writing(self.folder):
            shutil.copyfile(self.earlier / AUDIO, self.folder / AUDIO)
        return AudioTrack(**{**record.audio["track"], "path": self.folder / AUDIO})

    def _synchronise(self, captions: Captions, parsed: ParsedCaptions, track: AudioTrack) -> SyncResult:
        recipe = self.recipe.sync
        speech = speech_of(self.pair.film, track, self.folder / "speech.npy", recipe, self.talk)
        result, self.record.plot = align(parsed, speech, recipe)
        if result.decision == "refused":
            message = f"`{captions.source}` and `{self.pair.film}`: {result.reason}"
            raise BadInputError(message, "look for the right captions, or keep the film with --force")
        self.record.sync = {**result.to_dict(), "vad": recipe.vad}
        return result

    def _events(self, parsed: ParsedCaptions, sync: SyncResult, track: AudioTrack) -> Sequence[Event]:
        clip = self.recipe.clip
        events, left_over = build_events(
            parsed,
            self.tagger.tag,
            sync.map,
            self.pair.film_id,
            self.record.duration_s,
            collar=clip.collar,
            max_clip=clip.max_length,
            default_sources=default_sources,
            synchronised=sync.decision not in {"skipped", "refused"},
        )
        self.record.untagged = [entry for entry in left_over if entry.reason != "outside the film"]
        if outside := sum(entry.count for entry in left_over if entry.reason == "outside the film"):
            self.talk.warn(f"{self.pair.film_id}: {outside} sounds are captioned after the film's end")
        if self.recipe.refine_onset:
            samples = track.open()
            events = [_refined(event, samples, track.sample_rate, self.recipe) for event in events]
        if not self.decisions:
            return events
        applied = apply_review(events, self.decisions, clip, self.record.duration_s)
        self.record.mined_events = len(events)
        (self.talk.warn if applied.stale else self.talk.info)(f"{self.pair.film_id}: {applied.in_words}")
        return applied.events


def _no_sound_cues(captions: Captions, pair: FilmPair) -> BadInputError:
    count = len(captions.cues)
    message = f"no sound cues in {captions.source} (0 of {count} cues are bracketed or musical)"
    others = [
        f"stream:{stream.index} ({stream.language or '?'} {stream.title}".rstrip() + ")"
        for stream in list_caption_streams(pair.film)
        if not captions.source.endswith(f"stream #{stream.index}")
    ]
    more = f"; the film also has {', '.join(others)}" if others else ""
    return BadInputError(message, f"is this an SDH/CC track? give another with --captions{more}")


def _refined(event: Event, samples: NDArray[np.int16], sample_rate: int, recipe: MineRecipe) -> Event:
    if event.aspect != "abrupt":
        return event
    onset = refine_onset(samples, sample_rate, event.start_raw)
    return event if onset is None else event.moved_to(onset, recipe.clip.collar, recipe.clip.max_length)


def _warnings(captions: Captions, sync: SyncResult, track: AudioTrack) -> list[str]:
    mended = ", ".join(
        f"{count} × {what}" for what, count in captions.repairs.items() if what != "overlap (kept)"
    )
    warnings = [f"{captions.source}: mended {mended}"] if mended else []
    if sync.needs_attention:
        warnings.append(f"{captions.source}: {sync.reason}")
    return [*warnings, *track.warnings]
