"""Phrases between who sounds and the verb, and clauses that make no sound."""

import pytest


def labels(tag):
    return "+".join(tag.sounds), "+".join(tag.sources), "+".join(tag.qualities)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("man on TV laughing", ("laugh", "tv", "")),
        ("reporter on TV speaking indistinctly", ("speak", "tv", "indistinctly")),
        ("people in hallway chattering", ("chatter", "people", "")),
        ("baby in next room crying", ("cry", "baby", "")),
        ("Anna on phone sobs", ("sob", "phone", "")),
        ("phone in pocket buzzing", ("buzz", "phone", "")),
        ("woman over p.a. announcing", ("announce", "pa", "")),
        ("kids outside window shouting", ("shout", "kid", "")),
        ("man in background coughs loudly", ("cough", "man", "in background+loudly")),
        ("clock on wall ticking", ("tick", "clock", "")),
        ("siren in distance wailing", ("wail", "siren", "in distance")),
        ("guitar in background strumming", ("music", "guitar", "in background")),
        ("man on tv pontificating", ("pontificate", "tv", "")),
        ("over radio man speaking", ("speak", "radio", "")),
        ("woman in office building screams", ("scream", "woman", "")),
    ],
)
def test_a_place_or_medium_before_the_verb(tagger, text, expected):
    assert labels(tagger.tag(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("knocking on door", ("knock", "door", "")),
        ("rain pattering on window", ("patter", "rain", "")),
        ("bursts out laughing", ("laugh", "", "")),
        ("dancing to slow music playing", ("music", "", "slow")),
        ("radio in background playing jazz", ("music", "radio", "in background")),
    ],
)
def test_other_phrases_read_as_before(tagger, text, expected):
    assert labels(tagger.tag(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("car approaching, dog barking", ("bark", "dog", "")),
        ("engine stops and door opens", ("open", "door", "")),
        ("door opens, engine stops", ("open", "door", "")),
        ("man enters, door slams", ("slam", "door", "")),
        ("train departs then whistle blows", ("whistle", "train", "departing")),
        ("engine starts, revs", ("rev", "engine", "start")),
        ("light flickers, bulb buzzes", ("buzz", "bulb", "")),
        ("Anna turns, sighs", ("sigh", "anna", "")),
        ("man and woman laughing", ("laugh", "man+woman", "")),
    ],
)
def test_a_clause_that_makes_no_sound_keeps_its_maker(tagger, text, expected):
    assert labels(tagger.tag(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sirens: distant", ("", "siren", "distant")),
        ("dog: barking", ("bark", "", "")),
        ("man: laughs", ("laugh", "", "")),
        ("John: hello", ("", "", "")),
    ],
)
def test_a_colon_after_what_sounds_marks_no_speaker(tagger, text, expected):
    assert labels(tagger.tag(text)) == expected
