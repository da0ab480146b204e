"""The card of a trained grounding network: how films were indexed, and which queries it takes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.inference.localisation.film_index import FilmIndex, StreamCard

TASK = "query-localisation"
_USAGE = "avtool localize find film.mkv --text 'a door slams' --model ."


@dataclass(frozen=True)
class TextCard:
    """What computed the tokens of sentences and labels.

    Attributes:
        encoder: as a user names it, from any working folder.
        weights: SHA-256 of its weights.
    """

    encoder: str
    weights: str


@dataclass(frozen=True)
class GroundingCard:
    """What a trained network expects, as `preprocess.json` has it.

    Attributes:
        step: seconds of a frame.
        stride: frames from one encoded frame to the next.
        window: frames of a window.
        size: shorter side in pixels that frames were read at; 0 without video.
        kinds: of query.
        labels: that it has learned, sorted; none where it has learned no label queries.
        visual: what computed the features of frames; None where the network takes none.
        audio: what computed the features of audio, likewise.
        text: what computed the tokens of sentences and labels; None where it takes neither.
    """

    step: float
    stride: int
    window: int
    size: int
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    visual: StreamCard | None
    audio: StreamCard | None
    text: TextCard | None

    def to_json(self) -> dict[str, Any]:
        """For `preprocess.json`."""
        return {"task": TASK, "usage": _USAGE, **asdict(self)}

    @classmethod
    def from_json(cls, preprocess: Mapping[str, Any]) -> Self:
        """Reads it back.

        Raises:
            BadInputError: the model is of another task.
            CorruptArtifactError: a value is absent or wrong.
        """
        if preprocess.get("task") != TASK:
            message = f"the model is of the task `{preprocess.get('task', 'unknown')}`, and finds no queries"
            raise BadInputError(message, "give a model of `avtool localize train`")
        try:
            visual, audio = (
                StreamCard(**preprocess[name]) if preprocess[name] else None for name in ("visual", "audio")
            )
            return cls(
                step=float(preprocess["step"]),
                stride=int(preprocess["stride"]),
                window=int(preprocess["window"]),
                size=int(preprocess["size"]),
                kinds=tuple(map(str, preprocess["kinds"])),
                labels=tuple(map(str, preprocess["labels"])),
                visual=visual,
                audio=audio,
                text=TextCard(**preprocess["text"]) if preprocess["text"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            message = f"the model's preprocess.json is damaged ({error!r:.80})"
            raise CorruptArtifactError(message, "train the model again, or get another copy") from error

    def check_index(self, index: FilmIndex) -> None:
        """Makes sure that a film is indexed as those of the training were.

        Raises:
            BadInputError: another frame rate, or other encoders; the message has both values.
        """
        index.need(
            step=self.step,
            visual=self.visual.weights if self.visual else None,
            audio=self.audio.weights if self.audio else None,
        )
        if self.audio and index.card.audio and _windows(index.card.audio) != _windows(self.audio):
            message = f"`{index.folder}` has {_windows(index.card.audio)}, {_windows(self.audio)} are needed"
            raise BadInputError(message, f"index the film again: --hop {self.audio.hop:g}")

    def check_query(self, kind: str, label: str = "") -> None:
        """Makes sure that the network takes a query.

        Raises:
            BadInputError: it takes none of this kind, or has not learned the label: the hint has the nearest
                three.
        """
        if kind not in self.kinds:
            message = f"the model takes no {kind} query"
            raise BadInputError(message, f"it takes {', '.join(self.kinds)}")
        if kind == "label" and label not in self.labels:
            from rapidfuzz import process

            nearest = [name for name, _, _ in process.extract(label, self.labels, limit=3)]
            raise BadInputError(f"the model has no label `{label}`", f"the nearest: {', '.join(nearest)}")


def _windows(stream: StreamCard) -> str:
    """The windows of audio that features are of, for messages."""
    length = f"{stream.window:g} s" if stream.window else "the encoder's length"
    return f"windows of audio of {length} every {stream.hop:g} s"
