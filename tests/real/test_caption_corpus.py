"""The reader on real and on deliberately broken caption files."""

import html
import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from avtool.core.errors import AvtoolError
from avtool.media.captions.cue import Captions, Cue
from avtool.media.captions.reading import read_captions
from avtool.media.captions.writing import render_captions

MOST_SECONDS = 2.0
READ = {
    "vtt": 263, "stl": 34, "ttml": 25, "srt": 19, "ass": 13,
    "scc": 4, "sbv": 3, "microdvd": 2, "sami": 2, "spruce": 1, "subviewer": 1,
}  # fmt: skip
REFUSED = {
    "JSON": 102,  # expected parses that stand beside the WebVTT files
    "is empty (": 5,
    "no caption format known": 3,  # a broken signature; "some text"; "1\nsome text"
    "an RTF document": 2,
    "images of captions": 2,
    "no readable cue": 2,  # paragraphs without any time
}


@pytest.fixture(scope="module")
def corpus(test_data: Path) -> Path:
    return test_data / "captions" / "corpus"


@pytest.fixture(scope="module")
def outcomes(corpus: Path) -> dict[str, Captions | AvtoolError]:
    """Each file's captions, or why it was refused; anything else fails here."""
    found: dict[str, Captions | AvtoolError] = {}
    for path in sorted(file for file in corpus.rglob("*") if file.is_file()):
        begin = time.perf_counter()
        try:
            found[str(path.relative_to(corpus))] = read_captions(path, fps=25.0)
        except AvtoolError as error:
            found[str(path.relative_to(corpus))] = error
        assert time.perf_counter() - begin < MOST_SECONDS, path
    return found


def test_what_is_read_and_what_is_refused(outcomes):
    assert len(outcomes) == 483
    formats = Counter(found.format for found in outcomes.values() if isinstance(found, Captions))
    assert formats == READ
    messages = [found.message for found in outcomes.values() if isinstance(found, AvtoolError)]
    reasons = Counter(next((r for r in REFUSED if r in message), message) for message in messages)
    assert reasons == REFUSED


def test_refusals_are_one_line_that_names_the_file(outcomes, corpus):
    for name, found in outcomes.items():
        if isinstance(found, AvtoolError):
            assert str(corpus / name) in found.message
            assert "\n" not in found.message
            assert found.hint


def test_cues_keep_their_promises(outcomes):
    for name, found in outcomes.items():
        if isinstance(found, Captions):
            starts = [cue.start_ms for cue in found.cues]
            assert starts == sorted(starts), name
            assert all(0 <= cue.start_ms < cue.end_ms and all(cue.lines) for cue in found.cues), name


def test_what_is_written_is_read_back(outcomes):
    for name, found in outcomes.items():
        if isinstance(found, Captions):
            kept = ("start_ms", "end_ms", "lines", "italic", "voice", "top")
            bare = [Cue(**{name: getattr(cue, name) for name in kept}) for cue in found.cues]
            again = read_captions(name, data=render_captions(found.cues, "vtt").encode())
            assert list(again.cues) == bare, name


SAME_TEXT = [
    [f"astisub/example-in.{ending}" for ending in ("srt", "vtt", "ttml", "stl")]
    + ["astisub/missing-sequence-in.srt", "astisub/example-in-non-utf8.vtt"],
    ["astisub/example-in-html-entities.srt", "astisub/example-in-html-entities.vtt"],
    ["mantas/ass.ass", "mantas/dfxp.dfxp", "mantas/smi.smi", "mantas/vtt.vtt"],
    [f"exo/subrip/typical{ending}" for ending in ("", "_extra_blank_line", "_missing_sequence", "_utf16be")]
    + ["exo/subrip/typical_with_byte_order_mark"],
    ["exo/ssa/typical_dialogue", "exo/ssa/typical_utf16le"],
]


@pytest.mark.parametrize("names", SAME_TEXT, ids=lambda names: names[0])
def test_the_same_text_in_several_formats(outcomes, names):
    first, *others = [[(cue.start_ms, cue.end_ms, cue.text) for cue in outcomes[name].cues] for name in names]
    assert first
    for name, other in zip(names[1:], others, strict=True):
        assert [text for *_, text in other] == [text for *_, text in first], name
        for (start, end, _), (expected_start, expected_end, _) in zip(other, first, strict=True):
            assert abs(start - expected_start) <= 1, name
            assert abs(end - expected_end) <= 1, name


def test_the_same_text_at_the_resolution_of_the_format(outcomes, corpus):
    """SSA counts hundredths of a second; MicroDVD counts frames and needs the right rate."""
    ssa, sbv = (
        outcomes[f"popcorn/{name}"].cues for name in ("parserSSA/data/data.ssa", "parserSBV/data/data.sbv")
    )
    assert [" ".join(cue.lines) for cue in ssa] == [" ".join(cue.lines) for cue in sbv]
    assert all(
        abs(a.start_ms - b.start_ms) < 10 and abs(a.end_ms - b.end_ms) < 10
        for a, b in zip(ssa, sbv, strict=True)
    )
    frames = read_captions(corpus / "mantas/sub_microdvd.sub", fps=24000 / 1001).cues
    clock = outcomes["mantas/vtt.vtt"].cues
    assert [cue.text for cue in frames] == [cue.text for cue in clock]
    assert all(abs(a.start_ms - b.start_ms) <= 21 for a, b in zip(frames, clock, strict=True))


# Where the expected parses beside the files differ from ours, and why.
MORE_TOLERANT = {
    "cue-times/fraction-digits": "a fraction of two digits is read, not dropped",
    "cue-times/max-spots-over-sixty": "a cue without duration is shown for a second",
    "cue-times/minimum-spots-over-sixty": "120:00.000 are 120 minutes, not 120 hours",
    "cuetext/tag-format/start-tag-missing-gt": "a tag that never ends is shown as text",
    "file-layout/cue-spacing": "a cue without text is counted, not kept",
}


def test_webvtt_as_its_test_suite_expects(outcomes, corpus):
    agree, differ = 0, set()
    for path in sorted((corpus / "vttjs").rglob("*.json")):
        name = str(path.relative_to(corpus / "vttjs").with_suffix(""))
        found = outcomes.get(f"vttjs/{name}.vtt")
        if found is None:
            continue
        expected = [
            (
                round(1000 * cue["startTime"]),
                round(1000 * cue["endTime"]),
                _bare(cue.get("text") or cue.get("content")),
            )
            for cue in json.loads(path.read_text(encoding="utf-8"))["cues"]
        ]
        ours = [(cue.start_ms, cue.end_ms, cue.text) for cue in found.cues]
        agree += ours == expected
        if ours != expected:
            differ.add(name)
    assert differ == set(MORE_TOLERANT)
    assert agree == 88


def _bare(marked: str | None) -> str:
    """The text of an expected cue without tags, by other means than the reader's."""
    text = html.unescape(re.sub(r"<[^>]*>", "", marked or "")).replace("\u200e", "").replace("\u200f", "")
    return "\n".join(line.strip() for line in text.replace("\xa0", " ").split("\n") if line.strip())


def _film_captions(test_data: Path, ending: str) -> list[Path]:
    folder = test_data / "captions"
    return sorted([*folder.glob(f"films/*.{ending}"), *folder.glob(f"sdh_cues/*.{ending}")])


def test_subrip_films_as_pysubs2_reads_them(test_data):
    import pysubs2

    paths = _film_captions(test_data, "srt")
    assert len(paths) == 12
    for path in paths:
        theirs = [
            (event.start, event.end, event.plaintext.strip())
            for event in pysubs2.load(str(path), encoding="utf-8-sig")
            if event.plaintext.strip()
        ]
        ours = [(cue.start_ms, cue.end_ms, cue.text) for cue in read_captions(path).cues]
        assert [cue[:2] for cue in ours] == [cue[:2] for cue in theirs], path
        assert [" ".join(cue[2].split()) for cue in ours] == [" ".join(cue[2].split()) for cue in theirs], (
            path
        )


def test_webvtt_films_as_webvtt_py_reads_them(test_data):
    import webvtt

    paths = _film_captions(test_data, "vtt")
    assert len(paths) == 16
    for path in paths:
        theirs = [
            (
                round(1000 * _seconds(caption.start)),
                round(1000 * _seconds(caption.end)),
                " ".join(caption.text.split()),
            )
            for caption in webvtt.read(str(path))
            if caption.text.strip()
        ]
        ours = [(cue.start_ms, cue.end_ms, " ".join(cue.text.split())) for cue in read_captions(path).cues]
        assert ours == theirs, path


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


@pytest.mark.parametrize(
    ("several", "language", "single"),
    [
        ("films/morevna-ep03.msrt", "en", "films/morevna-ep3-eng.srt"),
        ("films/pepper-and-carrot-ep06.msrt", "en", "sdh_cues/pepper-and-carrot-ep6-eng.srt"),
        ("films/pepper-and-carrot-ep06.msrt", "ru", "sdh_cues/pepper-and-carrot-ep6-rus.srt"),
    ],
)
def test_one_language_of_several_is_the_file_in_that_language(test_data, several, language, single):
    ours = read_captions(test_data / "captions" / several, language=language)
    assert ours.language == language
    assert ours.cues == read_captions(test_data / "captions" / single).cues


def test_a_listing_of_codes_is_refused_by_name(test_data):
    with pytest.raises(AvtoolError, match="a decoded CEA-608 listing"):
        read_captions(test_data / "captions" / "films" / "night_of_the_living_dead.608.txt")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("films/tears_of_steel.fr-Goofy.srt", "cp1252"),
        ("films/tears_of_steel.de.srt", "cp1252"),
        ("films/elephants_dream.sv.vtt", "cp1252"),
        ("films/elephants_dream.ru.vtt", "cp1251"),
        ("films/elephants_dream.ru.vtt", "koi8_r"),
        ("films/elephants_dream.ar.vtt", "cp1256"),
        ("films/elephants_dream.ja.vtt", "cp932"),
        ("sdh_cues/blocks4all_ko.vtt", "cp949"),
        ("sdh_cues/blocks4all_es.vtt", "cp1252"),
        ("films/elephants_dream.ar.vtt", "utf-16-le"),
        ("films/tears_of_steel.it.srt", "utf-16-be"),
    ],
)
def test_old_encodings_are_found(test_data, name, encoding):
    text = (test_data / "captions" / name).read_text(encoding="utf-8-sig")
    data = text.encode(encoding, errors="ignore")
    captions = read_captions(name, data=data)
    assert captions.encoding.startswith(encoding)
    assert captions.cues == read_captions(name, data=data.decode(encoding).encode()).cues


def test_a_segmented_stream(test_data):
    captions = read_captions(test_data / "video" / "hls_tears_of_steel" / "playlist-vtt.m3u8")
    assert [(cue.start_ms, cue.end_ms) for cue in captions.cues][:2] == [
        (140_000, 142_000),
        (142_000, 144_000),
    ]
    assert len(captions.cues) == 3
    assert captions.mpegts_offset_s == 0.0
    assert captions.repairs == {"clock that restarts at a discontinuity": 1}
