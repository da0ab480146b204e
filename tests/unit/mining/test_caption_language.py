"""The language of captions, and what follows from it: the lexicon."""

from pathlib import Path

import pytest

from avtool.media.captions.cue import Captions, Cue
from avtool.mining.caption_language import has_lexicon, language_of
from avtool.mining.tagger import Tagger, load_lexicon

TEXTS = {
    "en": "What is it? I don't know what you have. It's the wind and this was all that we have, you see.",
    "de": "Was ist das? Ich weiß nicht, wie sie das macht. Wir sind auch nicht da und das ist mir egal.",
    "fr": "Je ne sais pas ce que vous avez. Il est dans une maison, c'est pas ça pour les enfants.",
    "es": "No sé qué está pasando, pero los niños están muy bien. Una casa como esto para las tías, eso es.",
    "it": "Non so che cosa hai, ma sono qui per una questione della casa. Perché non è questo il mio gatto?",
    "ru": "Я не знаю, что это такое.",
    "ja": "これは何ですか。",
}


def captions_of(*lines: str, language: str = "") -> Captions:
    cues = tuple(Cue(1000 * n, 1000 * n + 900, (line,)) for n, line in enumerate(lines))
    return Captions(cues, "srt", "utf-8", "film.srt", language)


@pytest.mark.parametrize("language", TEXTS)
def test_words_and_scripts_tell_a_language(language):
    assert language_of(captions_of(TEXTS[language]), None) == language


def test_the_header_goes_before_the_name_and_the_name_before_the_words():
    captions = captions_of(TEXTS["de"])
    assert language_of(captions_of(TEXTS["de"], language="fr-CA"), Path("film.es.srt")) == "fr"
    assert language_of(captions, Path("film.spa.sdh.srt")) == "es"
    assert language_of(captions, Path("film.sdh.srt")) == "de"


@pytest.mark.parametrize("lines", [[], ["Hm."], ["[music]", "Ok."], ["♪"]])
def test_too_few_words_tell_nothing(lines):
    assert language_of(captions_of(*lines), None) == ""


def test_which_languages_have_words():
    assert all(map(has_lexicon, ("", "en", "de", "fr", "es")))
    assert not has_lexicon("it")


@pytest.mark.parametrize(
    ("language", "text", "sounds", "sources"),
    [
        ("de", "Hund bellt", "bark", "dog"),
        ("de", "Die Tür knallt zu", "slam", "door"),
        ("de", "Sie lacht", "laugh", ""),
        ("de", "Leise Klaviermusik", "music", ""),
        ("de", "Telefon klingelt", "ring", "phone"),
        ("de", "Motor springt an", "", "engine"),
        ("de", "Stimmengewirr", "chatter", ""),
        ("de", "Handy vibriert", "vibrate", "phone"),
        ("de", "Rauschen im Radio", "static", ""),
        ("de", "Auto fährt weg", "", "car"),
        ("de", "Schlüssel klimpern", "jingle", "key"),
        ("de", "Lauter Knall", "bang", ""),
        ("fr", "Le vent souffle", "blow", "wind"),
        ("fr", "Le coq chante", "sing", "rooster"),
        ("fr", "Bruit sourd", "thud", ""),
        ("fr", "Bruits de sabots", "hoofbeats", ""),
        ("es", "Gato bufa", "snort", "cat"),
        ("es", "Copas tintinean", "jingle", "glass"),
        ("es", "Golpe seco", "thud", ""),
        ("es", "Sirena de policía", "", "siren"),
        ("fr", "Chien qui aboie", "bark", "dog"),
        ("fr", "La porte claque", "slam", "door"),
        ("fr", "Rires", "laugh", ""),
        ("fr", "L'oiseau siffle", "whistle", "bird"),
        ("fr", "Coups de feu", "gunshot", ""),
        ("fr", "Musique douce", "music", ""),
        ("es", "Perro ladrando", "bark", "dog"),
        ("es", "La puerta se cierra de golpe", "slam", "door"),
        ("es", "Sirenas a lo lejos", "", "siren"),
        ("es", "Suena el teléfono", "ring", "phone"),
        ("es", "Truenos", "thunder", ""),
    ],
)
def test_small_lexicons_give_english_labels(language, text, sounds, sources):
    tag = Tagger(load_lexicon(None, language)).tag(text)
    assert ("+".join(tag.sounds), "+".join(tag.sources)) == (sounds, sources)


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_every_label_of_a_small_lexicon_is_a_label_of_the_english_one(language):
    import tomllib
    from importlib import resources

    file = resources.files("avtool.mining.tagger") / "lexicon" / "languages" / f"{language}.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    english = load_lexicon()
    for label in tables["sounds"]:
        assert english.words[label].sound, label
    for label in tables["sources"]:
        assert english.words[label].source == label, label
    for label in tables["qualities"]:
        word = english.words.get(label)
        assert (word and (word.quality or word.state)) or label in {"start", "stop", "approaching"}, label


def test_a_language_leaves_english_as_it_is():
    before = Tagger().tag("dog dies, door opens")
    load_lexicon(None, "de")
    assert Tagger(load_lexicon()).tag("dog dies, door opens") == before
