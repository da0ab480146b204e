"""The template language: parts, rules, positions of errors, published files."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.data.few_shot.prompts import PromptEncoder, PromptLimits
from avtool.data.few_shot.template import parse_template, read_templates
from avtool.data.few_shot.text_task import known_tasks
from avtool.data.few_shot.tokenizer import PromptTokenizer
from tests.harness import save_masked_lm

PUBLISHED = [
    "*cls**sent_0*_It_was*mask*.*sep+*",
    "*cls**sent_0*_A*mask*_one.*sep+*",
    "*cls*_Q:*mask*:*+sent_0**sep+*",
    "*cls**sent-_0*?*mask*,*+sentl_1**sep+*",
    "*cls**sent-_0*.*mask*,*+sentu_1**sep+*",
    "*cls**sent_0**mask*.*+sentl_1**sep+*",
]
SAYS = ["It was", "Who", "who", "a b", "A b", "A", "x", "y", "Hm"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PromptTokenizer:
    return PromptTokenizer(save_masked_lm(tmp_path_factory.mktemp("lm") / "lm", texts=SAYS))


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_templates_are_read_and_written_again(text: str) -> None:
    assert str(parse_template(text, 2, 2)) == text


@pytest.mark.parametrize("name", known_tasks())
def test_every_task_has_a_template_with_a_mask(name: str) -> None:
    task = known_tasks()[name]
    assert parse_template(task.template, len(task.texts), len(task.words)).has_mask
    assert not parse_template(task.classifier_template, len(task.texts), len(task.words), mask=False).has_mask


def test_a_star_may_be_shared() -> None:
    assert str(parse_template("*cls*sent_0*_It_was*mask*", 1, 2)) == "*cls**sent_0*_It_was*mask*"


@pytest.mark.parametrize(
    ("template", "position", "reason"),
    [
        ("*cls**snet_0**mask*", 7, "`snet_0` is no part"),
        ("*cls**sent_0**mask*_*Sep*", 22, "`Sep` is no part"),
        ("*cls**sent_1**mask*", 7, "an example has 1 text, counted from 0"),
        ("*cls**sent_0**label_2**mask*", 15, "an example has 2 labels"),
        ("*cls**sent_0*", 14, "no mask"),
        ("*cls**sent_0*_is*mask*_or*mask*", 27, "a second mask"),
        ("*cls**mask*", 12, "no text of the example"),
        ("*cls**sent_0**mask*_*", 22, "a star without a part"),
        ("", 1, "no mask"),
    ],
)
def test_an_error_has_its_position_and_the_parts(template: str, position: int, reason: str) -> None:
    with pytest.raises(BadInputError) as error:
        parse_template(template, 1, 2)
    assert f"character {position}:" in error.value.message
    assert reason in error.value.message
    assert "sent_0, +sent_0" in error.value.hint


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("*sent_0*", "Who"),
        ("*+sent_0*", " Who"),
        ("*sent-_0*", "Wh"),
        ("*sentl_0*", "who"),
        ("*sentu_0*", "Who"),
        ("*sentl-_0*", "wh"),
        ("*+sentl_0*", " who"),
        ("*+sentu_0*", " Who"),
        ("_It_was", " It was"),
        ("*label_1*", " great"),
    ],
)
def test_each_part_becomes_its_tokens(tokenizer: PromptTokenizer, part: str, expected: str) -> None:
    great = tokenizer.word_pieces("great")
    assert len(great) == 1
    template = parse_template(f"*cls*{part}*mask**sent_0**sep+*", 1, 2)
    encoder = PromptEncoder(tokenizer, template, [tokenizer.word_pieces("bad")[0], *great], PromptLimits(64))
    prompt = encoder.encode(["Who"])
    body = [*tokenizer.ids(expected), tokenizer.mask_id, *tokenizer.ids("Who"), tokenizer.sep_id]
    assert prompt.ids == [tokenizer.cls_id, *body]
    assert prompt.ids[prompt.place] == tokenizer.mask_id
    assert not prompt.is_cut


def test_segments_change_after_sep_plus_and_stay_in_the_models(tokenizer: PromptTokenizer) -> None:
    template = parse_template("*cls**sent_0**sep**mask**sep+**sent_1**sep+**sent_0*", 2, 2)
    two = PromptEncoder(tokenizer, template, [5, 6], PromptLimits(64, segments=2)).encode(["x", "y"])
    assert two.segments[:4] == [0, 0, 0, 0]
    assert set(two.segments[two.ids.index(tokenizer.mask_id) + 2 :]) == {1}
    one = PromptEncoder(tokenizer, template, [5, 6], PromptLimits(64)).encode(["x", "y"])
    assert set(one.segments) == {0}


def test_a_mask_written_in_a_text_is_none(tokenizer: PromptTokenizer) -> None:
    template = parse_template("*cls**sent_0*_It_was*mask*.*sep+*", 1, 2)
    prompt = PromptEncoder(tokenizer, template, [5, 6], PromptLimits(64)).encode(["x <mask> y"])
    assert prompt.ids.count(tokenizer.mask_id) == 1


def test_published_files_have_a_template_in_one_of_their_columns() -> None:
    lines = [f"{PUBLISHED[0]}\n", f"0.93\t{PUBLISHED[1]}\n", "\n", f"{PUBLISHED[0]}\n"]
    assert read_templates(lines, 20) == PUBLISHED[:2]
    assert read_templates(lines, 1) == PUBLISHED[:1]
    with pytest.raises(BadInputError, match="no templates"):
        read_templates(["great\n"], 5)


def test_the_file_of_the_tasks_ships(tmp_path: Path) -> None:
    assert len([name for name in known_tasks() if name != "cue-kind"]) == 15
