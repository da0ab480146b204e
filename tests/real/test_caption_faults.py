"""Captions with known faults, against a table of right answers, and captions that cost time."""

import csv
import time
from contextlib import suppress
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.media.captions.reading import read_captions
from avtool.mining.events import Event, build_events
from avtool.mining.grammar import parse_cues
from avtool.mining.tagger import Tagger

# What the table says of each file, as (start of the event or its cue in seconds, sounds, sources).
MUSIC = {"music", "song"}
RIGHT: dict[str, list[tuple[float, set[str], set[str]]]] = {
    "01_song_titles.srt": [
        *((start, MUSIC, {"piano"} if start == 16 else set()) for start in (1, 6, 11, 16, 21, 26, 31))
    ],
    "02_place_before_verb.srt": [
        (1, {"laugh"}, {"tv"}),
        (6, {"cheer"}, {"tv"}),
        (11, {"speak"}, {"tv"}),
        (16, {"chatter"}, {"people"}),
        (21, {"cry"}, {"baby"}),
        (26, {"buzz"}, {"phone"}),
        (31, {"sob"}, {"phone"}),
    ],
    "03_bbc_same_line.srt": [
        (1, {"sigh"}, set()),
        (10, {"laugh"}, set()),
        (11, {"slam"}, {"door"}),
        (17.714, {"ring"}, {"phone"}),
        (21, {"clears throat"}, set()),
        (29.059, {"sigh"}, set()),
        (31, {"screech"}, {"tire"}),
        (31, {"crash"}, {"car"}),
    ],
    "04_described_between_notes.srt": [
        (1, {"music"}, set()),
        (6, {"music"}, set()),
        (11, {"music"}, {"stereo"}),
        (16, {"music"}, {"string quartet"}),
        (21, {"music"}, set()),
        (26, {"music"}, set()),
    ],
    "05a_rollup_as_srt.srt": [(0.16, {"music"}, set()), (8, {"applause"}, set()), (8.01, {"music"}, set())],
    "05b_rollup_without_word_times.vtt": [
        (0.16, {"music"}, set()),
        (8, {"applause"}, set()),
        (8.01, {"music"}, set()),
    ],
    "05c_rollup_three_rows.srt": [(1, {"cheer"}, {"crowd"})],
    "05d_word_times.vtt": [(0.16, {"music"}, set()), (6.5, {"applause"}, set()), (8.01, {"music"}, set())],
    "06a_double_spaced.srt": [
        (1, {"bark"}, {"dog"}),
        (6, {"slam"}, {"door"}),
        (7, {"rumble"}, {"thunder"}),
    ],
    "06b_crcrlf.srt": [(1, {"bark"}, {"dog"})],
    "07a_colon_before_ms.srt": [(1.249, {"bark"}, {"dog"}), (14, {"slam"}, {"door"})],
    "07b_fraction_of_ms.srt": [(1.249, {"bark"}, {"dog"})],
    "07c_spaces_in_times.srt": [(1.249, {"bark"}, {"dog"})],
    "07d_full_width_times.srt": [(1.249, {"bark"}, {"dog"})],
    "08_silent_clause_gives_its_maker.srt": [
        (1, {"bark"}, {"dog"}),
        (6, {"open"}, {"door"}),
        (11, {"open"}, {"door"}),
        (11, {"close"}, {"door"}),
        (16, {"creak"}, {"door"}),
        (16, {"slam"}, {"door"}),
    ],
    "09_parenthesis_over_two_cues.srt": [(11, {"announce"}, set()), (21, {"bark"}, {"dog"})],
    "10_half_bracket_after_dash.srt": [
        (1, {"laugh"}, set()),
        (6, {"groan"}, set()),
        (11, {"creak"}, {"door"}),
    ],
    "11_machine_markers.srt": [(16, {"music"}, {"piano"})],
}
ENDS = {
    "06a_double_spaced.srt": 3.0,
    "06b_crcrlf.srt": 3.0,
    "07a_colon_before_ms.srt": 3.251,
    "07b_fraction_of_ms.srt": 2.252,
    "07c_spaces_in_times.srt": 3.251,
    "07d_full_width_times.srt": 3.251,
}
QUALITIES = {"04_described_between_notes.srt": {"soft", "slow", "suspenseful", "tense"},
             "01_song_titles.srt": set()}  # fmt: skip
HOSTILE = ["hyphen-lines.srt", "italic-tags.ass", "paint-on-90kb.scc"]


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger()


@pytest.fixture(scope="module")
def faults(test_data: Path) -> Path:
    folder = test_data / "faults"
    if not folder.is_dir():
        pytest.skip(f"no captions with faults at {folder}")
    return folder


def events_of(path: Path, tagger: Tagger) -> list[Event]:
    parsed = parse_cues(read_captions(path).cues, tag=tagger.tag, keep_lyrics=False)
    return build_events(parsed, tagger.tag, lambda seconds: seconds, "film", 3600.0)[0]


def test_every_caption_file_of_the_table_has_a_right_answer_here(faults):
    with (faults / "EXPECTED.tsv").open(encoding="utf-8") as stream:
        listed = [row["input"] for row in csv.DictReader(stream, delimiter="\t")]
    assert [name for name in listed if name.endswith((".srt", ".vtt"))] == list(RIGHT)


@pytest.mark.parametrize("name", RIGHT)
def test_captions_with_a_fault_give_the_right_events(faults, tagger, name):
    events = events_of(faults / name, tagger)
    found = [(event.start_raw, set(event.sounds), set(event.sources_stated)) for event in events]
    assert len(found) == len(RIGHT[name])
    for (start, sounds, sources), (at, right_sounds, right_sources) in zip(found, RIGHT[name], strict=True):
        assert start == pytest.approx(at, abs=0.002)
        assert sounds
        assert sounds <= right_sounds
        assert sources == right_sources
    if name in ENDS:
        assert events[0].end_raw == pytest.approx(ENDS[name], abs=0.001)
        assert events[0].time_source == "cue"
    if name in QUALITIES:
        assert {quality for event in events for quality in event.qualities} == QUALITIES[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_captions_that_cost_time_are_read_or_refused_within_two_seconds(faults, tagger, name):
    begin = time.perf_counter()
    with suppress(BadInputError):
        parse_cues(read_captions(faults / "hostile" / name).cues, tag=tagger.tag)
    assert time.perf_counter() - begin < 2
