"""The cue grammar on captions that people made: the sounds in them, and films without a single sound cue."""

import pytest

from avtool.media.captions.reading import read_captions
from avtool.mining.grammar import parse_cues
from avtool.mining.tagger import Tagger


@pytest.fixture(scope="module")
def tagger():
    return Tagger()


@pytest.fixture(scope="module")
def parse(test_data, tagger):
    return lambda name: parse_cues(read_captions(test_data / "captions" / name).cues, tag=tagger.tag)


SOUNDS = {
    "popeye p1.eng.srt": ["barking and roaring"],
    "popeye p2.eng.srt": ["laughing", "muttering", "squawk", "squawk", "scream"],
    "wwa_en.vtt": ["music"],
    "wwa_en_test.vtt": ["music"],
    "oceans_example.vtt": [
        "heroic music playing for a seagull",
        "splash",
        "sploosh",
        "splash...splash...splash splash splash",
        "splash",
        "sploosh again",
        "a whole ton of splashes",
        "big splash",
    ],
    "blocks4all_en.vtt": ["jaunty piano tune", "screen reader voicing instructions", "blocks clattering"],
    "blocks4all_es.vtt": [
        "alegre melodía de piano",
        "lector de pantalla dando instrucciones",
        "ruido de bloques",
    ],
    "blocks4all_ko.vtt": ["경쾌한 피아노 선율", "스크린 리더가 가르치는 음성을 내다", "블록들이 부딪치다"],
    "blocks4all_pt-br.vtt": [
        "música de piano ao fundo",
        "leitor de tela pronunciando instruções",
        "barulho de blocos caindo",
    ],
    "pepper-and-carrot-ep6-eng.srt": ["yawns", "shouting"],
    "pepper-and-carrot-ep6-fra.srt": ["baille", "criant", "en fond"],
    "pepper-and-carrot-ep6-rus.srt": ["зевает", "орёт"],
}


@pytest.mark.parametrize("name", SOUNDS)
def test_the_sounds_of_real_captions(parse, name):
    assert [tag.text for tag in parse(f"sdh_cues/{name}").tags] == SOUNDS[name]


SILENT = [
    *(f"tears_of_steel.{name}.srt" for name in ("de", "en", "es", "fr-Goofy", "it", "nl")),
    *(f"elephants_dream.{name}.vtt" for name in ("ar", "descriptions.en", "en", "ja", "ru", "sv")),
    *(f"sintel_excerpt.{name}.vtt" for name in ("de", "en", "es")),
    "morevna-ep3-eng.srt",
    "morevna-ep03.msrt",
]


@pytest.mark.parametrize("name", SILENT)
def test_films_without_sound_cues_have_no_tags(parse, name):
    parsed = parse(f"films/{name}")
    assert not parsed.tags
    assert len(parsed.dialogue) > 10


def test_sung_lines_in_italics_are_words(parse):
    assert "I scare all creation on land or on sea" in [
        span.text for span in parse("sdh_cues/popeye p1.eng.srt").dialogue
    ]


def test_names_in_brackets_are_speakers(parse):
    speakers = {span.speaker for span in parse("sdh_cues/wwa_en_test.vtt").dialogue}
    assert speakers == {"Narrator", "Terrill", ""}


def test_names_with_a_colon_are_speakers(parse):
    spoken = [(span.speaker, span.text) for span in parse("sdh_cues/oceans_example.vtt").dialogue]
    assert ("Dolphin", "Squawk! eeeEEE?") in spoken
    assert ("Shark", "CHOMP!!!") in spoken


def test_sounds_beside_words_are_interpolated(parse):
    assert parse("sdh_cues/oceans_example.vtt").tags[0].time_source == "interpolated"
    assert parse("sdh_cues/popeye p1.eng.srt").tags[0].time_source == "cue"


def test_language_codes_of_a_multilingual_file_are_no_tags(parse, tagger):
    parsed = parse("films/pepper-and-carrot-ep06.msrt")
    assert {tag.text for tag in parsed.tags if tagger.tag(tag.text).sounds} <= {"yawns", "shouting"}
    assert not {"rus", "eng", "jbo", "zhtw"} & {tag.text for tag in parsed.tags}
