"""Titles and quoted words name no sound; what is left does."""

import pytest

from avtool.mining.titles import without_titles


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Moonlight Serenade" playing', "song playing"),
        ('"Crying" by Ray O. playing', "song playing"),
        ("“Crying” by Ray O. playing", "song playing"),
        ("«La Mer» playing", "song playing"),
        ('"Silent Night" playing on piano', "song playing on piano"),
        ('The Tarts\' "Scream Again" playing', "song playing"),
        ('The Screaming Owls\' "Bark" plays', "song plays"),
        ('THE TARTS: "BLUE LANES"', "song"),
        ('MUSIC: "Blue Lanes"', "MUSIC"),
        ("Music: Blue Lanes by The Tarts", "Music"),
        ('"Rain" fades out', "song fades out"),
        ("'Don't Stop' by The Shouts plays over radio", "song plays over radio"),
        ('"Thunder Road" blaring on car stereo', "song blaring on car stereo"),
        ('radio playing "Crash"', "radio playing song"),
        ('now playing: "Gunshot"', "song"),
        ('"Screaming" by Yell, "Barking" by Dog', "song , song"),
        ('crowd singing "Auld Lang Syne"', "crowd singing"),
        ('humming "Moon River"', "humming"),
        ('man shouting "Fire!"', "man shouting"),
        ('"Hound Dog" on radio', "song on radio"),
        ('"Bésame mucho" en la radio', "song en la radio"),
        ("„99 Luftballons“ von Nena läuft im Radio", "song läuft im Radio"),
        ("Elvis Presley's Hound Dog playing", "song playing"),
        ("Bach's Air on the G String playing softly", "song playing softly"),
        ("Strauss' Blue Danube begins", "song begins"),
        ("Yesterday by the Beatles plays on radio", "song plays on radio"),
    ],
)
def test_a_title_becomes_a_song_and_spoken_words_go(text, expected):
    assert without_titles(text) == expected


@pytest.mark.parametrize(
    "text",
    ['dog "barks"', "rock 'n' roll music playing", "boys' shouting", "'80s music playing", "soft piano music",
     'MAN: "Help!"', '"Laughter in the Rain"', "door slams",
     '"Exit" on sign', "Mr. Jones' dog barking", "Mary's Baby Crying Loudly", "John's Band playing",
     "Children Playing"],
)  # fmt: skip
def test_other_words_are_left_alone(text):
    assert without_titles(text) == text


def test_a_description_after_a_music_label_is_kept():
    assert without_titles("Music: soft piano") == "soft piano Music"
    assert without_titles("MUSIC: UPBEAT") == "UPBEAT MUSIC"


@pytest.mark.parametrize("count", [1, 50, 5000])
def test_hostile_quotation_marks_cost_no_time(count):
    assert without_titles("\"'" * count)
    assert without_titles("a' " * count)
