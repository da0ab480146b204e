from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.mining.tagger import Tagger, load_lexicon
from avtool.mining.tagger.inflection import plurals, verb_forms
from avtool.mining.tagger.lexicon_builder import entries


def write(folder: Path, text: str) -> Path:
    path = folder / "lexicon.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_extends_the_lexicon(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [sounds]
        fantasy = "Gloink, fwump"
        [sources]
        animal = ["grimbeast"]
        [source_aliases]
        "wing beast" = "grimbeast"
        [states]
        "at warp" = "engage"
        """,
    )
    tagger = Tagger(load_lexicon(path))
    assert tagger.tag("grimbeasts gloinking").sounds == ("gloink",)
    assert tagger.tag("grimbeasts gloinking").sources == ("grimbeast",)
    assert tagger.tag("wing beast fwumps").sources == ("grimbeast",)
    assert tagger.tag("ship engages").qualities == ("at warp",)
    assert tagger.lexicon.coarse["grimbeast"] == "animal"
    assert tagger.tag("dog barks").sounds == ("bark",)


def test_a_file_overrides_and_forgets(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [sound_aliases]
        scrape = "scratch"
        [forget]
        words = "crew"
        """,
    )
    lexicon = load_lexicon(path)
    assert Tagger(lexicon).tag("chair scraping").sounds == ("scratch",)
    assert "crew" not in lexicon.words
    assert "crew" in load_lexicon().words


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs" / "explanation" / "tagger.md"
    example = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    tagger = Tagger(load_lexicon(write(tmp_path, example)))
    assert tagger.tag("grimbeasts gloinking").sounds == ("gloink",)
    assert tagger.tag("landspeeder fwooshes").sources == ("speeder",)
    assert tagger.tag("ship goes to warp").qualities == ("at warp",)
    assert tagger.tag("moff speaking grimbeastish").sounds == ("speak",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sounds", "not a TOML file"),
        ("[sound]\nx = 'y'", "unknown section `sound`"),
        ("sounds = 'bark'", "`sounds` must be a section"),
        ("[sounds]\nx = 3", "`sounds.x` must be words"),
        ("[sounds]\nx = [1, 2]", "`sounds.x` must be words"),
        ("[sound_aliases]\nx = ['bark', 'yip']", "`sound_aliases.x` must be one word"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError) as error:
        load_lexicon(write(tmp_path, text))
    assert message in error.value.message
    assert "\n" not in error.value.message
    assert error.value.hint


def test_an_absent_file_and_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        load_lexicon(tmp_path / "none.toml")
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="not a TOML file"):
        load_lexicon(path)


def test_labels_of_the_lexicon_are_lower_case_and_trimmed() -> None:
    for text, word in load_lexicon().words.items():
        for label in (text, word.sound, word.source, word.quality, word.state):
            assert label == label.lower().strip()
            assert "\n" not in label


def test_every_source_label_has_a_place_in_the_coarse_map() -> None:
    lexicon = load_lexicon()
    assert {word.source for word in lexicon.words.values() if word.source} - set(lexicon.coarse) == set()


def test_entries_take_a_text_or_a_list() -> None:
    assert entries("dog,\n cat , dog") == ["dog", "cat"]
    assert entries(["car  door", ""]) == ["car door"]


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("bark", {"barks", "barking", "barked"}),
        ("hum", {"hums", "humming", "hummed"}),
        ("wheeze", {"wheezes", "wheezing", "wheezed"}),
        ("cry", {"cries", "crying", "cried"}),
        ("neigh", {"neighs", "neighing", "neighed"}),
        ("hiss", {"hisses", "hissing", "hissed"}),
        ("squelch", {"squelches", "squelching"}),
        ("echo", {"echoes", "echoing", "echoed"}),
        ("moo", {"moos", "mooing"}),
        ("turn over", {"turns over", "turning over"}),
        ("agree", {"agrees", "agreeing", "agreed"}),
        ("lie", {"lies", "lying", "lied"}),
    ],
)
def test_verb_forms(verb: str, forms: set[str]) -> None:
    assert forms <= {surface for surface, _ in verb_forms(verb)}


@pytest.mark.parametrize(
    ("noun", "plural"), [("fox", "foxes"), ("car door", "car doors"), ("baby", "babies")]
)
def test_plurals(noun: str, plural: str) -> None:
    assert plural in set(plurals(noun))


def test_an_unknown_word_of_another_language_is_no_english_verb() -> None:
    """Plurals of Spanish end like an English third person; `bark` is known in both."""
    spanish = Tagger(load_lexicon(language="es"))
    found = spanish.tag("lector de pantalla dando instrucciones")
    assert (found.sounds, found.sources) == ((), ())
    known = spanish.tag("perro ladra")
    assert (known.sounds, known.sources) == (("bark",), ("dog",))
    guess = Tagger().tag("bottle uncorks")
    assert (guess.sounds, guess.rule) == (("uncork",), "unknown-verb")
