"""Sounds in capitals without brackets, and capitals that are something else."""

import pytest

SPOKEN = tuple(f"This is plain dialogue, number {n}." for n in range(8))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GEESE HONK", ["geese honk"]),
        ("APPLAUSE", ["applause"]),
        ("SHE SOBS", ["she sobs"]),
        ("PROOG SCREAMS", ["proog screams"]),
        ("DOOR SLAMS.", ["door slams"]),
        ("HORN HONKS, TYRES SCREECH", ["horn honks", "tyres screech"]),
        ("TYRES SCREECH\nCAR HORN HONKS", ["tyres screech", "car horn honks"]),
        ("HELICOPTER WHIRRS\nIN DISTANCE", ["helicopter whirrs in distance"]),
        ("- DOOR SLAMS\n- Who's there?", ["door slams"]),
        ("SIREN", ["siren"]),
        ("CAR HORN", ["car horn"]),
        ("CHURCH BELLS", ["church bells"]),
        ("BIRDSONG", ["birdsong"]),
        ("ENGINE STARTS", ["engine starts"]),
        ("HELICOPTER APPROACHING", ["helicopter approaching"]),
        ("HE SIGHS I never liked it.", ["he sighs"]),
        ("Good evening. SHE LAUGHS", ["she laughs"]),
        ("All right. PHONE RINGS I'll get that.", ["phone rings"]),
        ("HE CLEARS HIS THROAT As I said, it was late.", ["he clears his throat"]),
        ("- Are you coming? - SHE SIGHS Yes.", ["she sighs"]),
        ("LAUGHTER Thank you, thank you.", ["laughter"]),
        ("DOOR SLAMS BBC News at ten.", ["door slams"]),
        ("DOOR SLAMS. WHO'S THERE?", ["door slams"]),
        ("Come on. ENGINE REVS HORN BLARES", ["engine revs horn blares"]),
        ("Wait... DOG BARKS", ["dog barks"]),
        ("SIREN WAILS in the distance", ["siren wails in the distance"]),
        ("RAIN patters on roof", ["rain patters on roof"]),
        ("TYRES SCREECH AND CAR CRASHES LOUDLY INTO WALL", ["tyres screech", "car crashes loudly into wall"]),
    ],
)
def test_a_short_sound_in_capitals_is_a_tag(parse, text, expected):
    parsed = parse(text, *SPOKEN)
    assert [tag.text for tag in parsed.tags] == expected
    assert parsed.style == "bbc"


@pytest.mark.parametrize(
    "text",
    [
        "RUN!",
        "THE CONTEST!!!",
        "DON'T LAUGH AT ME",
        "I HEARD A GUNSHOT",
        "STOP SHOUTING",
        "GUNSHOTS WERE HEARD IN THE CITY CENTRE",
        "CLOSED",
        "PARIS",
        "SHE SPEAKS FRENCH",
        "OK",
        "X",
        "TAXI",
        "MARCH 1945",
        "BREAKING NEWS",
        "FIRE EXIT",
        "BUS STOP",
        "HOSPITAL",
        "GUNMAN KILLED AS CROWD FLED",
        "The BBC said so. OK, IKEA shuts at nine.",
        "I said STOP IT now.",
        "He read the SHOUT poster.",
        "SHE SCREAMED at me.",
        "SPEAK Louder, please.",
        "HE LAUGHED at the BBC, I think.",
        "STOP it right now",
    ],
)
def test_other_capitals_are_no_sound(tags, text):
    assert tags(text, *SPOKEN) == []


def test_capitals_mean_nothing_where_the_dialogue_is_in_capitals(parse):
    parsed = parse("GEESE HONK", "I TOLD YOU SO.", "WHERE ARE WE GOING?", "I do not know.")
    assert not parsed.tags
    assert len(parsed.dialogue) == 4


def test_effects_do_not_count_as_dialogue_in_capitals(tags):
    assert len(tags("GEESE HONK", "DOG BARKS", "DOOR SLAMS", "What was that?")) == 3


def test_signs_and_cries_beside_many_sounds_do_not_make_capitals_mean_nothing(tags):
    heard = ["TELEPHONE RINGS", "LIFT PINGS", "KETTLE WHISTLES", "HORSE WHINNIES", "DOORBELL", "THEY LAUGH"]
    assert len(tags(*heard, "STOP!", "PARIS", "NO!", "THE END", "What was that?")) == len(heard)


def test_a_file_that_brackets_its_sounds_writes_signs_in_capitals(tags):
    bracketed = ["[dog barks]"] * 12
    assert tags(*bracketed, "GUNSHOTS IN PARLIAMENT", *SPOKEN) == ["dog barks"] * 12


def test_caps_style_overrules_the_file(tags):
    shouted = ("GEESE HONK", "I TOLD YOU SO.", "WHERE ARE WE GOING?")
    assert tags(*shouted, caps_style="on") == ["geese honk"]
    assert tags("GEESE HONK", *SPOKEN, caps_style="off") == []


def test_a_sign_is_neither_dialogue_nor_sound(parse):
    parsed = parse("PARIS", "THE CONTEST!!!", *SPOKEN)
    assert parsed.counts["on-screen text"] == 1
    assert "THE CONTEST!!!" in [span.text for span in parsed.dialogue]


def test_a_hyphen_after_a_sound_in_capitals_is_no_speech(words):
    assert words("- HE GROANS - Are you all right?", *SPOKEN)[0] == "Are you all right?"
