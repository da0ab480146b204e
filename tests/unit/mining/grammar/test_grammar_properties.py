"""What holds for any text at all, however damaged."""

from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import parse_cues

FRAGMENTS = st.one_of(
    st.sampled_from(
        [
            *"()[]{}「」（）【】♪#*:-–>.,;/&?!'\"\n",
            " ", " ", " ", "...", "{\\an8}", "<i>", "</i>", "\u200b", "➡", "â™ª",
            "door slams", "DOOR SLAMS", "dog barks", "laughs", "music", "man", "JOHN", "John", "softly",
            "speaking French", "en", "1942", "Hello there", "I know", "and", "then", "ドア", "зевает",
            "www.a.b",
        ]
    ),
    st.text(max_size=3),
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=14).map("".join)
FILES = st.lists(TEXTS, max_size=5)
relaxed = settings(deadline=None, max_examples=100)
SENTENCE = "These words are plain dialogue."


def cues_of(texts):
    lines = [tuple(line for line in text.split("\n") if line.strip()) for text in texts]
    return [Cue(3000 * n + 100, 3000 * n + 2100, cue_lines) for n, cue_lines in enumerate(lines) if cue_lines]


@relaxed
@given(texts=FILES, caps_style=st.sampled_from(["auto", "on", "off"]), keep_lyrics=st.booleans())
def test_every_character_goes_somewhere(tagger, texts, caps_style, keep_lyrics):
    cues = cues_of(texts)
    parsed = parse_cues(cues, tag=tagger.tag, caps_style=caps_style, keep_lyrics=keep_lyrics)
    for cue, pieces in zip(cues, parsed.pieces, strict=True):
        assert [piece.start for piece in pieces] == [0, *(piece.end for piece in pieces[:-1])]
        assert pieces[-1].end == len(cue.text)
        assert all(piece.start < piece.end for piece in pieces)
    assert sum(parsed.counts.values()) == sum(map(len, parsed.pieces))


@relaxed
@given(texts=FILES)
def test_the_dialogue_is_what_no_rule_took(tagger, texts):
    cues = cues_of(texts)
    parsed = parse_cues(cues, tag=tagger.tag)
    left = "".join(
        cue.text[piece.start : piece.end]
        for cue, pieces in zip(cues, parsed.pieces, strict=True)
        for piece in pieces
        if piece.kind == "dialogue"
    )
    spoken = "".join(span.text for span in parsed.dialogue)
    assert [c for c in spoken if c.isalnum()] == [c for c in left if c.isalnum()]


@relaxed
@given(texts=FILES)
def test_times_and_shares_are_in_range(tagger, texts):
    cues = cues_of(texts)
    parsed = parse_cues(cues, tag=tagger.tag)
    for tag in parsed.tags:
        assert 0 <= tag.start_ms < tag.end_ms
        assert 0 <= tag.char_share <= 1
        assert tag.text == " ".join(tag.text.lower().split())
    for span in parsed.dialogue:
        assert cues[0].start_ms <= span.start_ms <= span.end_ms <= cues[-1].end_ms


@relaxed
@given(texts=FILES, caps_style=st.sampled_from(["on", "off"]))
def test_dialogue_around_a_file_never_adds_an_event(tagger, texts, caps_style):
    def events(*added):
        parsed = parse_cues(cues_of([*added, *texts, *added]), tag=tagger.tag, caps_style=caps_style)
        return sorted(tag.text for tag in parsed.tags if tagger.tag(tag.text).is_event)

    without, with_dialogue = events(), events(SENTENCE)
    for text in with_dialogue:
        assert text in without
        without.remove(text)


@relaxed
@given(texts=FILES)
def test_the_same_file_gives_the_same_result(tagger, texts):
    cues = cues_of(texts)
    assert parse_cues(cues, tag=tagger.tag) == parse_cues(cues, tag=tagger.tag)
