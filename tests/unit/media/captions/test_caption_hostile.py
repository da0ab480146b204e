"""Random and damaged files give captions or a clean error, never a traceback, and never bad cues."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions
from tests.unit.media.captions.read_text import read
from tests.unit.media.captions.test_caption_formats_agree import TEXTS

SEEDS = [text.encode() for text in TEXTS.values()]
SEEDS += [text.encode("utf-16-le") for text in list(TEXTS.values())[:2]]
SEEDS.append(
    b"Scenarist_SCC V1.0\n\n00:00:01:00\t9420 9470 c8e5 ecec ef80 942f\n\n00:00:03:00\t9425 94ad 9470 4f4e\n"
)
SEEDS.append(
    (b"850STL25.01100" + b"09").ljust(1024) + b"\0\1\0\xff\0" + bytes(8) + b"\0\0\0Hi".ljust(115, b"\x8f")
)
TOKENS = [
    b"<",
    b">",
    b"{",
    b"}",
    b"\n\n",
    b"-->",
    b"&",
    b"\xff\xfe",
    b"\0",
    b"9" * 30,
    b":",
    b",",
    b"<p>",
    b"\r",
]


def check(data: bytes) -> None:
    """Reads the bytes and looks at every promise that cues make."""
    try:
        captions = read(data, fps=25.0)
    except BadInputError as error:
        refusal = error.message
    else:
        refusal = ""
        check_cues(captions)
    assert "\n" not in refusal
    assert len(refusal) < 300


def check_cues(captions: Captions) -> None:
    starts = [cue.start_ms for cue in captions.cues]
    assert starts == sorted(starts)
    for cue in captions.cues:
        assert 0 <= cue.start_ms < cue.end_ms
        assert cue.lines
        assert all(line == line.strip() and line and "\n" not in line for line in cue.lines)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400))
def test_random_bytes(data):
    check(data)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False))
def test_mutated_files(seed, rng):
    check(mutated(seed, rng))


def mutated(seed: bytes, rng: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(rng.randint(1, 8)):
        where = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[where : where + rng.randint(1, 20)] = b""
            case 1:
                data[where:where] = rng.choice(TOKENS)
            case 2:
                other = rng.choice(SEEDS)
                data[where:where] = other[rng.randrange(len(other)) :][:60]
            case _:
                data[where : where + 1] = bytes([rng.randrange(256)])
    return bytes(data)


WEBVTT_CUE = "WEBVTT\n\n00:00.000 --> 00:01.000\n"
SUBRIP_CUE = "1\n00:00:00,000 --> 00:00:01,000\n"


@pytest.mark.parametrize(
    "text",
    [
        WEBVTT_CUE + "<" * 500_000,
        WEBVTT_CUE + "<a " * 300_000,
        WEBVTT_CUE + "<" + "1." * 400_000,
        WEBVTT_CUE + "&#x" * 300_000,
        SUBRIP_CUE + "{\\" * 400_000,
        SUBRIP_CUE + "&" * 500_000,
        "[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,D,,0,0,0,," + "{\\i1}" * 100_000,
        "\n" * 500_000 + "x",
        " " * 500_000 + "x",
        "1" * 500_000,
        "<SAMI>" + ".a {" * 100_000,
        "<SAMI>" + "<sync " * 100_000,
        "{1}{2}" + "{y:" * 200_000,
        "<tt>" * 50_000,
        "<tt><body>" + "<div>" * 50_000 + "</div>" * 50_000 + "</body></tt>",
        '<tt><body><p begin="' + "9" * 100_000 + 's">x</p></body></tt>',
        "[" * 500_000,
        '{"a":' * 100_000,
        WEBVTT_CUE + '{"a":' * 100_000,
    ],
    ids=lambda text: text.strip()[-12:],
)
def test_nothing_takes_quadratic_time(text):
    check(text.encode())


def scc_of(words: list[str], count: int) -> str:
    codes = (words * (count // len(words) + 1))[:count]
    lines = (" ".join(codes[at : at + 4000]) for at in range(0, count, 4000))
    return "Scenarist_SCC V1.0\n\n" + "\n\n".join(f"00:0{n}:00:00\t{line}" for n, line in enumerate(lines))


@pytest.mark.parametrize(
    "words",
    [["2043", "6174"], ["9429", "2043", "6174"], ["9470", "2043"], ["94a1", "2043"],
     ["9429", *(word for row in ("9140", "9240", "1340", "9440") for word in (row, *["2043"] * 15))]],
)  # fmt: skip
def test_codes_that_never_clear_the_screen_cost_no_time(words):
    begin = time.process_time()
    captions = read(scc_of(words, 18_000))
    assert time.process_time() - begin < 2
    assert captions.repairs["characters beyond the screen skipped"] > 1000


def test_a_full_row_of_painted_characters_is_kept():
    codes = ["9429", "9429", "9470", "9470", *["6162"] * 16, "942c", "942c"]
    (cue,) = read(f"Scenarist_SCC V1.0\n\n00:00:01:00\t{' '.join(codes)}\n").cues
    assert cue.text == "ab" * 16
