"""Several sounds in one tag."""

import pytest

from avtool.mining.grammar.several import split_tag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dog barks; phone rings", ["dog barks", "phone rings"]),
        ("gunshot, glass shatters", ["gunshot", "glass shatters"]),
        ("grunts / groans", ["grunts", "groans"]),
        ("laughs/cries", ["laughs", "cries"]),
        ("dog barks and phone rings", ["dog barks", "phone rings"]),
        ("man laughing and woman crying", ["man laughing", "woman crying"]),
        ("thunder rumbles, then glass shatters", ["thunder rumbles", "glass shatters"]),
        ("siren wails while dog barks", ["siren wails", "dog barks"]),
        ("door opens, closes", ["door opens", "door closes"]),
        ("man sighs, coughs, sniffs", ["man sighs", "man coughs", "man sniffs"]),
        ("dog barks, growling", ["dog barks", "growling"]),
        ("glass shatters, in distance", ["glass shatters, in distance"]),
        ("door opens and closes", ["door opens and closes"]),
        ("laughing and crying", ["laughing and crying"]),
        ("crowd cheering and applauding", ["crowd cheering and applauding"]),
        ("whirring then beeping", ["whirring then beeping"]),
        ("yells and grunts", ["yells and grunts"]),
        ("door creaks open, then slams shut", ["door creaks open", "door slams shut"]),
        ("car approaching, dog barking", ["dog barking"]),
        ("dog barking, car approaching", ["dog barking"]),
        ("car approaches, engine stops, door opens, closes", ["door opens", "door closes"]),
        ("door opens, footsteps approach, door closes", ["door opens", "footsteps approach", "door closes"]),
        ("lights switch off, thunder rumbles", ["thunder rumbles"]),
        ("slow, soft music", ["slow, soft music"]),
        ("dramatic, suspenseful music playing", ["dramatic, suspenseful music playing"]),
        ("and", ["and"]),
        (",", [","]),
        ("", [""]),
    ],
)
def test_where_one_tag_is_several_events(tagger, text, expected):
    assert list(split_tag(text, tagger.tag)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[door slams] [dog barks]",
        "(door slams)(dog barks)",
        "[door slams]\n[dog barks]",
        "[door slams; dog barks]",
    ],
)
def test_two_sounds_in_a_cue_are_two_tags_at_the_same_time(parse, text):
    first, second = parse(text).tags
    assert (first.text, second.text) == ("door slams", "dog barks")
    assert (first.start_ms, first.end_ms) == (second.start_ms, second.end_ms) == (0, 2000)
