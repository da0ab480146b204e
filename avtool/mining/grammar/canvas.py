"""One cue while the rules are at work on it: rules take segments of its text, the rest is dialogue."""

from dataclasses import dataclass, field

from avtool.media.captions.cue import Cue
from avtool.mining.grammar.brackets import Brackets
from avtool.mining.grammar.records import Piece, PieceKind, TagKind

BRACKET_MASK = "\ue000"  # private characters: they match no letter, space or punctuation class
LABEL_MASK = "\ue001"
TAG_MASK = "\ue002"
NOISE_MASK = " "
MAX_CHARACTERS, MAX_LINES, MAX_MARKS = 2000, 40, 60
_MARKS = "([{<*♪"
_MASKS: dict[PieceKind, str] = {"label": LABEL_MASK, "tag": TAG_MASK, "noise": NOISE_MASK}


@dataclass(frozen=True, slots=True)
class FoundTag:
    """A tag with its place in the cue; its times follow when the whole cue is understood."""

    start: int
    end: int
    text: str
    kind: TagKind
    lyrics: bool = False


@dataclass
class Canvas:
    """The text of a cue and what has been taken of it.

    Attributes:
        text: the cue's text; all offsets refer to it.
        masked: the same, with everything taken replaced by as many mask characters.
        brackets: where the brackets are, before anything is known of what they hold.
        tags: the tags found so far.
        turns: offsets where another speaker begins → the name, "" where there is only a hyphen.
        taken_until: where the last piece ends.
        is_document: whether the cue is longer than any caption, or has more marks: then all is dialogue.
    """

    cue: Cue
    index: int
    text: str = field(init=False)
    masked: str = field(init=False)
    brackets: Brackets = field(default=Brackets((), None, None))
    pieces: list[Piece] = field(default_factory=list)
    tags: list[FoundTag] = field(default_factory=list)
    turns: dict[int, str] = field(default_factory=dict)
    end_ms: int = field(init=False)
    taken_until: int = 0
    is_document: bool = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.masked = self.cue.text
        self.end_ms = self.cue.end_ms
        self.is_document = (
            len(self.text) > MAX_CHARACTERS
            or len(self.cue.lines) > MAX_LINES
            or sum(map(self.text.count, _MARKS)) > MAX_MARKS
        )

    def take(self, kind: PieceKind, rule: str, start: int, end: int) -> None:
        """Takes `start` to `end` for a rule, with the noise that lies inside."""
        assert kind != "dialogue", "dialogue is what no rule takes"
        if end > start:
            if start < self.taken_until:
                inside = (piece for piece in self.pieces if start <= piece.start and piece.end <= end)
                for piece in list(inside):
                    self.pieces.remove(piece)
            self.taken_until = max(end, self.taken_until)
            self.pieces.append(Piece(kind, rule, start, end))
            self.mask(start, end, _MASKS[kind])

    def mask(self, start: int, end: int, mask: str) -> None:
        """Masks a segment for the rules that follow, line feeds excepted."""
        masked = "".join("\n" if character == "\n" else mask for character in self.text[start:end])
        self.masked = self.masked[:start] + masked + self.masked[end:]

    def unmask(self, start: int, end: int) -> None:
        """Gives a segment back to dialogue."""
        self.masked = self.masked[:start] + self.text[start:end] + self.masked[end:]

    def add_tag(self, rule: str, tag: FoundTag) -> None:
        self.take("tag", rule, tag.start, tag.end)
        self.tags.append(tag)

    def lines(self) -> list[tuple[int, int]]:
        """The offsets of each line of the text."""
        ranges, start = [], 0
        for line in self.text.split("\n"):
            ranges.append((start, start + len(line)))
            start += len(line) + 1
        return ranges

    def turn_ranges(self) -> list[tuple[int, int]]:
        """The offsets of each speaker's turn; what stands before the first label or hyphen is a turn too."""
        starts = sorted({0, *self.turns})
        return list(zip(starts, [*starts[1:], len(self.text)], strict=True))

    def finished_pieces(self) -> tuple[Piece, ...]:
        """All pieces in order, the gaps between them filled with dialogue."""
        pieces, at = [], 0
        for piece in sorted(self.pieces, key=lambda piece: piece.start):
            if piece.start > at:
                pieces.append(Piece("dialogue", "dialogue", at, piece.start))
            pieces.append(piece)
            at = piece.end
        if at < len(self.text):
            pieces.append(Piece("dialogue", "dialogue", at, len(self.text)))
        return tuple(pieces)
