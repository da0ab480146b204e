"""The record of a mined film, and the key of its files and settings: `film.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from avtool.core.artifact import settings_hash
from avtool.core.errors import CorruptArtifactError
from avtool.core.files import read_json, sha256_of
from avtool.media.captions.cue import Captions
from avtool.mining.events import Event, UntaggedTag
from avtool.mining.pairing import FilmPair, caption_file_of
from avtool.mining.recipe import MineRecipe
from avtool.mining.review.decisions import Decision
from avtool.mining.sync.time_map import TimeMap
from avtool.mining.sync.wording import in_plain_words

RECORD = "film.json"
# Settings over all films, whose change does not require mining again; of a review a film's own decisions do.
DATASET_KEYS = {"review", "taxonomy", "kind", "min_confidence", "classes", "min_count", "split", "seed"}


@dataclass(frozen=True)
class FilmInputs:
    """The files a film's results depend on, by content, and the key of files and settings together.

    Attributes:
        files: path → SHA-256.
        states: path → size in bytes and modification time in nanoseconds.
        key: of the contents and the settings.
    """

    files: dict[str, str]
    states: dict[str, list[int]]
    key: str

    @classmethod
    def of(
        cls,
        pair: FilmPair,
        recipe: MineRecipe,
        decisions: Mapping[str, Decision] | None = None,
        known: "FilmRecord | None" = None,
    ) -> "FilmInputs":
        """Hashes the film, its caption file, the lexicon, and the decisions of reviewers on the film.

        Args:
            pair: the film.
            recipe: the settings.
            decisions: of reviewers on the film, by event.
            known: a record whose hashes hold for files of the same size and modification time.

        Raises:
            BadInputError: the film is not there.
        """
        caption_file = caption_file_of(pair, recipe.language)
        files, states = {}, {}
        for path in filter(None, (pair.film, caption_file, recipe.lexicon)):
            if not path.is_file():
                continue
            name = pair.film_name if path == pair.film else str(path)
            states[name] = _state(path)
            is_known = known is not None and known.states.get(name) == states[name]
            files[name] = known.inputs[name] if known and is_known else sha256_of(path)
        settings = recipe.model_dump(mode="json", exclude=DATASET_KEYS)
        choice = "file" if caption_file else pair.captions
        parts: list[Any] = [settings, pair.film_id, choice, list(files.values())]
        if pair.audio_stream is not None:
            parts.append(pair.audio_stream)
        if decisions:
            parts.append({event: decision.changes() for event, decision in sorted(decisions.items())})
        return cls(files, states, settings_hash(parts))


def _state(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


@dataclass
class FilmRecord:
    """A mined film.

    Attributes:
        film_id, film: its name in the dataset, and the file.
        key: see `FilmInputs`.
        inputs: path → SHA-256 of the files it was made from.
        states: path → size and modification time of the same.
        duration_s: length of its audio.
        captions: source, format, encoding, number of cues, and what was mended.
        rules: grammar rule → how many pieces of text it took.
        sync: the time map and its quality.
        plot: the numbers of the alignment plot.
        audio_stream: the container's number of the stream that was heard.
        audio: the decoded audio that was kept, if it was.
        timings: seconds by step.
        notes, warnings: its messages.
        events: the sound events.
        untagged: tags that the tagger did not understand.
        previews: ids of the events that have an MP3 preview.
        mined_events: events before a review, which decide the film's split; 0 without a review.
    """

    film_id: str
    film: str
    key: str
    inputs: Mapping[str, str]
    states: Mapping[str, list[int]] = field(default_factory=dict)
    duration_s: float = 0.0
    captions: dict[str, Any] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)
    sync: dict[str, Any] = field(default_factory=dict)
    plot: dict[str, Any] = field(default_factory=dict)
    audio_stream: int = -1
    audio: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    events: Sequence[Event] = ()
    untagged: Sequence[UntaggedTag] = ()
    previews: list[str] = field(default_factory=list)
    mined_events: int = 0

    def set_captions(self, captions: Captions, language: str) -> None:
        """Notes where the captions came from, and their language ("" where it is unknown)."""
        self.captions = {
            "source": captions.source,
            "format": captions.format,
            "encoding": captions.encoding,
            "cues": len(captions.cues),
            "language": language,
            "mended": dict(captions.repairs),
        }

    @property
    def sync_in_words(self) -> str:
        """The time map in plain words, with the evidence for it: `7.30 s later, then 1 jump (z 9.8)`."""
        words = in_plain_words(TimeMap.from_dict(self.sync["map"]), self.sync["decision"])
        return f"{words} (z {self.sync['z']:.1f})" if self.sync["z"] else words

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


def is_mined(pair: FilmPair, folders: Sequence[Path], recipe: MineRecipe) -> bool:
    """Whether a record in one of the folders is of film and captions as they are, by size and time."""
    paths = [path for path in (pair.film, caption_file_of(pair, recipe.language)) if path and path.is_file()]
    now = {pair.film_name if path == pair.film else str(path): _state(path) for path in paths}
    records = filter(None, map(read_record, folders))
    return any(now.items() <= dict(record.states).items() for record in records)


def read_record(folder: Path) -> FilmRecord | None:
    """The record in a film's folder, or None where no film was mined or another version wrote it."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        values = read_json(path)
        values["events"] = [_from_json(Event, event) for event in values["events"]]
        values["untagged"] = [_from_json(UntaggedTag, entry) for entry in values["untagged"]]
        return FilmRecord(**values)
    except (CorruptArtifactError, KeyError, TypeError):
        return None


def _from_json(record: type[Any], values: dict[str, Any]) -> Any:
    return record(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    )
