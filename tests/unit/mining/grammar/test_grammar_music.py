"""Notes: music alone, lyrics, and descriptions of music."""

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import parse_cues
from avtool.mining.tagger import Tagger, load_lexicon


@pytest.mark.parametrize("text", ["♪", "♪♪", "♪ ♪", "♫♫", "[♪♪♪]", "(♪)", "# #", "â™ª", "🎵", "♪\n♪", "- ♪♪"])
def test_notes_alone_are_music(parse, text):
    (tag,) = parse(text).tags
    assert (tag.text, tag.kind, tag.lyrics) == ("music", "music", False)


@pytest.mark.parametrize(
    "text",
    [
        "♪ I will always love you ♪",
        "♪ I will always\nlove you ♪",
        "♪ I will always ♪\n♪ love you ♪",
        "♪ I will always\n♪ love you",
        "♪I will always love you",
        "and I will always love you ♪",
        "# I will always love you #",
        "# I will always\nlove you #",
        "¶ I will always love you ¶",
        "â™ª I will always love you â™ª",
        "♪ Dance to the music ♪",
        "[♪ I will always love you ♪]",
        "♪ I WILL ALWAYS LOVE YOU ♪",
    ],
)
def test_words_between_notes_are_sung(parse, tagger, text):
    parsed = parse(text)
    (tag,) = parsed.tags
    assert (tag.kind, tag.lyrics, tagger.tag(tag.text).sounds) == ("lyric", True, ("sing",))
    assert not parsed.dialogue


def test_the_words_of_a_lyric_are_kept_on_request_only(parse):
    text = "♪ I will always\nlove you ♪"
    assert parse(text).tags[0].raw == "I will always\nlove you"
    without = parse(text, keep_lyrics=False)
    assert without.tags == without.dialogue == ()
    assert without.counts["lyric"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "♪ [upbeat music playing] ♪",
        "♪ (upbeat music playing) ♪",
        "[♪ upbeat music playing ♪]",
        "♪ upbeat music playing ♪",
    ],
)
def test_bracketed_text_between_notes_is_a_tag(tags, text):
    assert tags(text) == ["upbeat music playing"]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "♪ musique douce ♪", ["musique douce"]),
        ("es", "♪ música suave ♪", ["música suave"]),
        ("de", "♪ leise Klaviermusik ♪", ["leise klaviermusik"]),
        ("fr", "♪ Frère Jacques, dormez-vous ♪", ["singing"]),
        ("en", "♪ music sounds better ♪", ["singing"]),
    ],
)
def test_music_is_described_in_the_order_of_its_language(language, text, expected):
    tagger = Tagger(load_lexicon(None, language))
    parsed = parse_cues([Cue(0, 1000, (text,))], tag=tagger.tag)
    assert [tag.text for tag in parsed.tags] == expected


@pytest.mark.parametrize("text", ["#1 fan of yours", "He is #1", "#hashtag", "Press # now", "#1 and #2 #"])
def test_a_hash_that_is_not_paired_at_both_ends_is_a_sign(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert [span.text for span in parsed.dialogue] == [text]


def test_a_song_beside_dialogue(parse):
    parsed = parse("- ♪ La la la ♪\n- Stop that!", "Listen. ♪ La la ♪")
    assert [tag.kind for tag in parsed.tags] == ["lyric", "lyric"]
    assert [span.text for span in parsed.dialogue] == ["Stop that!", "Listen."]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("♪ La la ♪ Stop! ♪ Da da ♪", "Stop!"),
        ("♪ La la ♪ Stop!", "Stop!"),
        ("♪\nLa la\n♪\nStop!", "Stop!"),
        ("Stop!\n♪ La la ♪", "Stop!"),
        ("♪ La la ♪\nStop!\n♪ Da da ♪", "Stop!"),
    ],
)
def test_words_outside_of_the_notes_are_spoken(parse, text, spoken):
    parsed = parse(text)
    assert [tag.kind for tag in parsed.tags] == ["lyric"]
    assert [span.text for span in parsed.dialogue] == [spoken]


def test_notes_between_lines_of_a_song_are_part_of_it(parse):
    parsed = parse("♪ La la ♪ Da da ♪")
    assert [tag.kind for tag in parsed.tags] == ["lyric"]
    assert not parsed.dialogue


def test_notes_beside_dialogue_on_a_line_of_their_own_are_music(parse):
    parsed = parse("♪♪\nGood morning.")
    assert [tag.text for tag in parsed.tags] == ["music"]
    assert [span.text for span in parsed.dialogue] == ["Good morning."]


def test_a_singer_is_the_speaker_of_a_lyric(parse):
    (tag,) = parse("[Elsa] ♪ Let it go ♪").tags
    assert (tag.kind, tag.speaker) == ("lyric", "Elsa")


def test_a_british_music_label_is_music_and_its_title_is_not_dialogue(parse):
    parsed = parse('MUSIC: "Waterloo" by ABBA')
    assert [tag.text for tag in parsed.tags] == ["music"]
    assert not parsed.dialogue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MUSIC PLAYING", "music playing"),
        ("soft jazz", "soft jazz"),
        ("rock music playing on stereo", "rock music playing on stereo"),
        ("(slow string quartet)", "slow string quartet playing"),
        ("suspenseful theme", "suspenseful theme"),
        ("Tense music continues", "tense music continues"),
        ("tense, pulsing music", "tense pulsing music"),
        ("upbeat pop song plays", "upbeat pop song plays"),
        ("dramatic strings", "dramatic strings"),
        ("marching band playing", "marching band playing"),
        ("jazz playing over the radio", "jazz playing over the radio"),
        ('"Blue Lanes" by The Tarts', "song"),
        ("violin solo", "violin solo"),
        ("music fades out", "music fades out"),
        ("humming", "humming"),
        ("CHOIR VOCALIZING", "choir vocalizing"),
        ("techno music thumping", "techno music thumping"),
    ],
)
def test_words_between_notes_that_describe_music_are_a_tag(tags, text, expected):
    assert tags(f"♪ {text} ♪") == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "Over the hills we go",
        "Play that funky music",
        "Sweet music playing in my heart",
        "Let the music play",
        "Piano man",
        "Silver bells",
        "Little drummer boy",
        "Beat it",
        "I write the songs",
        "Rock and roll all night",
        "Listen to the rhythm of the falling rain",
        "Sing a song",
        "Angels singing",
        "Singing in the rain",
    ],
)
def test_words_of_a_song_about_music_are_sung(parse, text):
    (tag,) = parse(f"♪ {text} ♪").tags
    assert tag.lyrics
