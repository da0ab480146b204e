"""What must not change the labels, whatever the tag."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.mining.sound_tag import SoundTag
from avtool.mining.tagger import Tagger, load_lexicon

TAGGER = Tagger()
TAGS = (
    "dog barking",
    "door slams in distance",
    "gloomy piano music playing",
    "esmeralda laughs softly",
    "man speaking german",
    "gunfire",
    "engine starts",
    "woman over p.a.",
    "grunting and yelling",
)
VERBS = sorted(
    word.text
    for word in load_lexicon().words.values()
    if word.form == "base" and word.text == word.sound and not (word.source or word.quality or word.state)
)


def labels(tag: str) -> tuple[tuple[str, ...], ...]:
    found = TAGGER.tag(tag)
    return found.sounds, found.sources, found.qualities


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(
    "dress",
    [
        str.upper,
        str.title,
        lambda tag: f"{tag}.",
        lambda tag: f"{tag}...",
        lambda tag: f"[{tag}]",
        lambda tag: f"( {tag} )",
        lambda tag: f"- {tag}",
        lambda tag: f"♪ {tag} ♪",
        lambda tag: f"<i>{tag}</i>",
        lambda tag: f"{{\\an8}}{tag}",
        lambda tag: f"\ufeff{tag}\u200b",
        lambda tag: f"BOB: {tag}",
        lambda tag: tag.replace(" ", "\n"),
        lambda tag: tag.replace(" ", "&nbsp;"),
    ],
)
def test_dress_does_not_matter(tag: str, dress) -> None:
    assert labels(dress(tag)) == labels(tag)


@pytest.mark.parametrize("tag", [tag for tag in TAGS if "over" not in tag])
def test_continues_does_not_matter(tag: str) -> None:
    assert labels(f"{tag} continues") == labels(tag)


@pytest.mark.parametrize("verb", VERBS)
def test_every_form_of_a_verb_is_the_same_sound(verb: str) -> None:
    lemma = labels(verb)[0]
    from avtool.mining.tagger.inflection import verb_forms

    for surface, form in verb_forms(verb):
        if form in {"s", "ing"} and load_lexicon().words[surface].sound == verb:
            assert labels(surface)[0] == lemma, surface


@pytest.mark.parametrize("tag", TAGS)
def test_labels_are_lemmas_of_themselves(tag: str) -> None:
    for sound in labels(tag)[0]:
        assert labels(sound)[0] == (sound,)


@given(st.text(max_size=60))
def test_any_text_gives_labels_in_lower_case(text: str) -> None:
    found = TAGGER.tag(text)
    assert isinstance(found, SoundTag)
    for label in found.sounds + found.sources + found.qualities:
        assert label
        assert label == label.lower().strip()
    assert 0 <= found.confidence <= 1
    assert found == Tagger(TAGGER.lexicon).tag(text)


@given(
    st.lists(
        st.sampled_from([*sorted(load_lexicon().words)[::7], "and", ",", "in", "on", "of", "q"]), max_size=7
    )
)
def test_any_row_of_known_words_gives_labels(words: list[str]) -> None:
    found = TAGGER.tag(" ".join(words))
    assert len(set(found.sounds)) == len(found.sounds)
    assert len(set(found.sources)) == len(found.sources)
    assert len(set(found.qualities)) == len(found.qualities)


def test_a_long_text_takes_no_long_time() -> None:
    import time

    start = time.perf_counter()
    TAGGER.tag("lilililililililililili1|" * 5000)
    TAGGER.tag("l1i|l1i|ooqq " * 5000)
    assert time.perf_counter() - start < 2


def test_known_words_need_no_dictionary() -> None:
    program = (
        "import sys; from avtool.mining.tagger import Tagger; t = Tagger()\n"
        "assert t.tag('door slams in distance').sounds == ('slam',)\n"
        "assert t.tag('gloomy music playing on radio').sounds == ('music',)\n"
        "assert 'lemminflect' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
