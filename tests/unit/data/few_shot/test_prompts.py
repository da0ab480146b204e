"""Prompts that are too long, demonstrations, label words."""

from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.data.few_shot.demonstrations import DemonstrationPool, SentenceEmbedder
from avtool.data.few_shot.label_words import label_word_ids
from avtool.data.few_shot.prompts import PromptEncoder, PromptLimits
from avtool.data.few_shot.template import parse_template
from avtool.data.few_shot.tokenizer import PromptTokenizer, keep_tokenizer
from avtool.data.inputs.prompt import PromptInput, PromptSettings
from tests.harness import CUES, save_masked_lm

TEMPLATE = "*cls**sent_0*_It_was*mask*.*sep+*"
TEXTS = [(cue,) for cues in CUES.values() for cue in cues]
CLASSES = [number for number, cues in enumerate(CUES.values()) for _ in cues]


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_masked_lm(tmp_path_factory.mktemp("lm") / "lm")


@pytest.fixture(scope="module")
def tokenizer(lm: Path) -> PromptTokenizer:
    return PromptTokenizer(lm)


def encoder(
    tokenizer: PromptTokenizer, limits: PromptLimits, template: str = TEMPLATE, texts: int = 1
) -> PromptEncoder:
    words = [tokenizer.word_pieces(word)[0] for word in ("person", "animal", "machine")]
    return PromptEncoder(tokenizer, parse_template(template, texts, 3), words, limits)


def test_texts_are_cut_and_the_template_never_is(tokenizer: PromptTokenizer) -> None:
    whole = encoder(tokenizer, PromptLimits(64)).encode(["dog barking"])
    length = len(whole.ids) - len(tokenizer.ids("dog barking"))
    for limit in range(length + 1, len(whole.ids)):
        prompt = encoder(tokenizer, PromptLimits(limit)).encode(["dog barking " * 50])
        assert len(prompt.ids) == limit
        assert prompt.is_cut
        assert prompt.ids[prompt.place] == tokenizer.mask_id
        assert prompt.ids[-1] == tokenizer.sep_id
    with pytest.raises(BadInputError, match=f"the template alone is {length} tokens"):
        encoder(tokenizer, PromptLimits(length))


def test_the_longer_of_two_texts_is_cut_first(tokenizer: PromptTokenizer) -> None:
    template = "*cls**sent_0*?*mask*,*+sent_1**sep+*"
    prompt = encoder(tokenizer, PromptLimits(24), template, texts=2).encode(["dog", "door slams " * 30])
    assert len(prompt.ids) == 24
    assert prompt.ids[1 : 1 + len(tokenizer.ids("dog"))] == tokenizer.ids("dog")
    with pytest.raises(BadInputError, match="template \\+ query is 7 tokens > 6"):
        encoder(tokenizer, PromptLimits(6), template, texts=2).encode(["dog " * 9, "door " * 9])


def test_limits_of_first_and_other_texts(tokenizer: PromptTokenizer) -> None:
    long = "dog " * 30
    prompt = encoder(tokenizer, PromptLimits(128, first=5, other=2)).encode([long], [([long], 0)])
    plain = encoder(tokenizer, PromptLimits(128))
    frame = len(plain.encode(["dog"]).ids) - len(tokenizer.ids("dog"))
    assert len(prompt.ids) == (frame + 5) + (frame - 1 + 2)


def test_demonstrations_that_do_not_fit_are_dropped_from_the_last_one(tokenizer: PromptTokenizer) -> None:
    demos = [(["dog barking"], 0), (["door slams"], 1), (["man laughing"], 2)]
    plain = encoder(tokenizer, PromptLimits(128))
    query, all_of_them = plain.encode(["cat meows"]), plain.encode(["cat meows"], demos)
    two = plain.encode(["cat meows"], demos[:2])
    cut = encoder(tokenizer, PromptLimits(len(all_of_them.ids) - 1)).encode(["cat meows"], demos)
    assert cut.ids == two.ids
    assert cut.is_cut
    assert all_of_them.ids[: len(query.ids)] == query.ids


def test_a_demonstration_is_the_template_without_cls_with_its_word(tokenizer: PromptTokenizer) -> None:
    plain = encoder(tokenizer, PromptLimits(128))
    query = plain.encode(["cat meows"])
    tail = plain.encode(["cat meows"], [(["dog barking"], 1)]).ids[len(query.ids) :]
    expected = plain.encode(["dog barking"]).ids[1:]
    expected[expected.index(tokenizer.mask_id)] = tokenizer.word_pieces("animal")[0]
    assert tail == expected


def test_a_query_is_never_its_own_demonstration() -> None:
    pool = DemonstrationPool(TEXTS, CLASSES, 3)
    rng = np.random.default_rng(0)
    for own in range(len(TEXTS)):
        for _ in range(20):
            drawn = pool.draw(rng, own=own)
            assert [label for _, label in drawn] == [0, 1, 2]
            assert TEXTS[own] not in [texts for texts, _ in drawn]


@pytest.mark.parametrize(("own", "kept"), [(None, 8), (3, 7)])
def test_filtering_keeps_half_of_each_class(own: int | None, kept: int) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((32, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pool = DemonstrationPool([(str(n),) for n in range(32)], [n % 2 for n in range(32)], 2, vectors)
    query = vectors[3]
    for number, members in enumerate(pool.candidates(query, own)):
        assert len(members) == kept  # of 16: int(N // C * 0.5), N without the query in training
        others = [n for n in range(32) if n % 2 == number and n not in members and n != own]
        assert min((vectors @ query)[members]) >= max((vectors @ query)[others])


def test_prompts_of_equal_texts_are_equal_and_sets_differ(lm: Path) -> None:
    words = {"human": ("person",), "animal": ("animal",), "object": ("machine",)}
    pool = tuple(zip(TEXTS, CLASSES, strict=True))
    settings = PromptSettings(
        texts=("text",), words=words, template=TEMPLATE, demos="random", sets=4, pool=pool
    )
    one, two, other = PromptInput(settings, lm).prompts([("cow moos",), ("cow moos",), ("hen clucks",)])
    assert one == two
    assert len({tuple(prompt.ids) for prompt in one}) > 1
    frame = len(one[0].ids) - len(other[0].ids)
    assert one != other or frame


def test_filtered_prompts_embed_with_any_encoder(lm: Path) -> None:
    vectors = SentenceEmbedder(lm)(TEXTS)
    assert vectors.shape == (len(TEXTS), 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.concatenate([SentenceEmbedder(lm)([text]) for text in TEXTS[:3]])
    assert alone == pytest.approx(vectors[:3], abs=1e-5)  # padding and order change nothing
    words = {"human": ("person",), "animal": ("animal",), "object": ("machine",)}
    pool = tuple(zip(TEXTS, CLASSES, strict=True))
    settings = PromptSettings(
        texts=("text",), words=words, template=TEMPLATE, demos="filtered", sets=2, pool=pool
    )
    prompt = PromptInput(settings, lm, lm)
    assert prompt.pool is not None
    assert prompt.pool.vectors is not None
    assert len(prompt.prompts([("cow moos",)])[0]) == 2
    assert prompt.assets()["embedder"] == lm


@pytest.mark.parametrize("kind", ["roberta", "bert"])
def test_label_words_are_one_token(kind: str, tmp_path: Path) -> None:
    tokenizer = PromptTokenizer(save_masked_lm(tmp_path / "lm", kind))
    words = {"0": ("terrible",), "1": ("great",)}
    ids = label_word_ids(tokenizer, words)
    assert [tokenizer.words[token] for (token,) in ids] == ["terrible", "great"]
    with pytest.raises(BadInputError) as error:
        label_word_ids(tokenizer, {"0": ("greater",), "1": ("great",)})
    assert "the label word `greater` of class `0`" in error.value.message
    assert ("tokens" in error.value.message) == (kind == "roberta")
    assert "great" in error.value.hint
    assert error.value.hint.count(",") == 4  # five words of one token
    with pytest.raises(BadInputError, match="classes `a` and `b` have the same label word `great`"):
        label_word_ids(tokenizer, {"a": ("great",), "b": ("great",)})
    for word in ("<mask>", "<pad>") if kind == "roberta" else ():
        with pytest.raises(BadInputError, match="is a special token of the vocabulary"):
            label_word_ids(tokenizer, {"a": (word,), "b": ("great",)})
    several = {"a": ("good", "great"), "b": ("bad",)}
    with pytest.raises(BadInputError, match="class `a` has 2 label words"):
        label_word_ids(tokenizer, several)
    assert [len(tokens) for tokens in label_word_ids(tokenizer, several, mean=True)] == [2, 1]


def test_a_tokenizer_is_kept_without_the_model(
    lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path))
    kept = keep_tokenizer(lm)
    assert kept == keep_tokenizer(lm)
    assert not list(kept.glob("*.safetensors"))
    assert PromptTokenizer(kept).ids("dog barking") == PromptTokenizer(lm).ids("dog barking")
