"""Examples in every layout and every kind of damage; K-shot draws."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.data.few_shot.examples import read_examples, read_text_rows
from avtool.data.few_shot.find_examples import Draw, find_examples
from avtool.data.few_shot.k_shot import SEEDS, draw_grouped, draw_k_shot
from avtool.data.few_shot.text_task import TextTask, find_task

TASK = TextTask(title="t", words={"a": ("x",), "b": ("y",)}, template="*sent_0**mask*")
PAIRS = find_task("rte")


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", 'text,label\n"one, two",a\nthree,b\n'),
        ("t.csv", '\ufeffid,label,text\n1,a,"one, two"\n2,b,three\n'),
        ("t.tsv", "text\tlabel\none, two\ta\nthree\tb\n"),
        ("t.csv", 'a,"one, two"\nb,three\n'),
        ("t.all", "a one, two\nb three\n"),
        ("t.txt", "a one, two\nb three\n"),
    ],
)
def test_layouts(tmp_path: Path, name: str, text: str) -> None:
    found = read_examples(write(tmp_path, name, text), TASK)
    assert [(one.texts, one.label, one.target) for one in found] == [
        (("one, two",), "a", 0.0),
        (("three",), "b", 1.0),
    ]


def test_older_encodings_and_glue_tables(tmp_path: Path) -> None:
    latin = read_examples(write(tmp_path, "t.all", "a brûlée\x85 fin\r\nb no\n", "latin-1"), TASK)
    assert [one.texts[0] for one in latin] == ["brûlée\x85 fin", "no"]
    header = "index\tsentence1\tsentence2\tlabel\n"
    glue = write(tmp_path, "rte.tsv", f'{header}0\tHe "said.\tHe spoke.\tentailment\n')
    assert read_examples(glue, PAIRS)[0].texts == ('He "said.', "He spoke.")
    cola = write(tmp_path, "cola.tsv", "gj04\t1\t\tThe cat sat.\ngj04\t0\t*\tCat the.\n")
    assert [one.target for one in read_examples(cola, find_task("cola"))] == [1.0, 0.0]
    stsb = write(tmp_path, "s.tsv", "sentence1\tsentence2\tscore\nx\ty\t2.5\n")
    assert read_examples(stsb, find_task("sts-b"))[0].target == 2.5


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("t.csv", "text,kind\none,a\n", "no column `label`"),
        ("t.csv", "label,words\na,one\n", "no column `text`"),
        ("t.csv", "text,label\none,a\ntwo,c\nthree,d\n", "rows 3, 4: `c` is no class of the task"),
        ("t.csv", "text,label\none,a\none,b\n", "rows 2 and 3: `one` is `a` and `b`"),
        ("t.csv", "text,label\none,None\ntwo,\n", 'both as "None" and as blank'),
        ("t.csv", "text,label\none,a\ntwo,\n", "row 3: no label"),
        ("t.csv", "text,label\none,a\ntwo,b,c\n", "row 3: another number of cells"),
        ("t.csv", "text,label\n", "no rows"),
        ("t.csv", "", "no rows"),
        ("t.csv", "text,label\n\0,a\n", "no text file"),
    ],
)
def test_damage_is_refused_with_its_rows(tmp_path: Path, name: str, text: str, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        read_examples(write(tmp_path, name, text), TASK)


def test_a_missing_file_and_values_out_of_bounds(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        read_examples(tmp_path / "no.csv", TASK)
    stsb = write(tmp_path, "s.csv", "sentence1,sentence2,score\nx,y,7\n")
    with pytest.raises(BadInputError, match="7 is not in 0 to 5"):
        read_examples(stsb, find_task("sts-b"))


@pytest.mark.parametrize(("text", "shown"), [("one", "`one`"), (" ", "the empty text")])
def test_a_text_of_two_labels_is_named(tmp_path: Path, text: str, shown: str) -> None:
    path = write(tmp_path, "t.csv", f"text,label\n{text},a\n{text},b\n")
    with pytest.raises(BadInputError, match=f"rows 2 and 3: {shown} is `a` and `b`; 1 text has two labels"):
        read_examples(path, TASK)


def test_the_first_of_duplicates_may_be_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "text,label\none,a\none,b\ntwo,b\n")
    assert [one.label for one in read_examples(path, TASK, duplicates="first")] == ["a", "b"]
    assert len(read_examples(path, TASK, duplicates="keep")) == 3


def test_texts_without_labels(tmp_path: Path) -> None:
    table = read_text_rows(write(tmp_path, "t.csv", "text,label\none,a\n"), ["text"], "label")
    assert (table.texts, table.numbers, table.labels) == ([("one",)], [2], ["a"])
    assert read_text_rows(tmp_path / "t.csv", ["text"]).labels == [""]
    lines = read_text_rows(write(tmp_path, "t.txt", "one two\n\nthree\n"), ["text"])
    assert (lines.texts, lines.numbers) == ([("one two",), ("three",)], [1, 3])
    with pytest.raises(BadInputError, match="and the task two"):
        read_text_rows(tmp_path / "t.txt", PAIRS.texts)
    with pytest.raises(BadInputError, match="no column `sentence`"):
        read_text_rows(tmp_path / "t.csv", ["sentence"])
    with pytest.raises(BadInputError, match="has no text"):
        read_text_rows(write(tmp_path, "e.txt", "\n"), ["text"])


def reference_draw(labels: list[str], k: int, seed: int) -> tuple[list[int], list[int]]:
    """The published procedure in six lines: shuffle all, group by label in order of appearance, deal."""
    np.random.seed(seed)  # noqa: NPY002 - what the published splits were drawn with
    lines = [[label, str(place)] for place, label in enumerate(labels)]
    np.random.shuffle(lines)  # noqa: NPY002
    groups: dict[str, list[int]] = {}
    for label, place in lines:
        groups.setdefault(label, []).append(int(place))
    return [p for g in groups.values() for p in g[:k]], [p for g in groups.values() for p in g[k : 2 * k]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [1, 4, 16])
def test_draws_are_the_published_ones(seed: int, k: int) -> None:
    labels = np.random.default_rng(seed).choice(list("abcd"), 400).tolist()
    drawn = draw_k_shot(labels, k, seed)
    assert (list(drawn.train), list(drawn.dev)) == reference_draw(labels, k, seed)
    assert Counter(labels[place] for place in drawn.train) == dict.fromkeys("abcd", k)
    assert sorted([*drawn.train, *drawn.dev, *drawn.rest]) == list(range(400))


def test_a_class_with_too_few_rows_is_named_with_the_largest_k() -> None:
    with pytest.raises(BadInputError) as error:
        draw_k_shot(["a"] * 20 + ["b"] * 7, 4, 13)
    assert error.value.message == "class `b` has 7 examples, and K = 4 needs 8"
    assert error.value.hint == "the largest K that works is 3"


def test_groups_of_the_rest_are_none_of_those_drawn() -> None:
    rng = np.random.default_rng(0)
    groups = [f"g{number}" if number else "" for number in rng.integers(0, 40, 300)]
    labels = rng.choice(["a", "b"], 300).tolist()
    drawn = draw_grouped(labels, groups, 8, 13)
    assert len(drawn.train) == len(drawn.dev) == 16
    used = {groups[place] for place in (*drawn.train, *drawn.dev)} - {""}
    assert drawn.rest
    assert not used & {groups[place] for place in drawn.rest}


def test_a_split_folder_and_leaks(tmp_path: Path) -> None:
    for part, rows in {
        "train": "one,a\ntwo,b\n",
        "dev": "three,a\nfour,b\n",
        "test": "five,a\nsix,b\n",
    }.items():
        write(tmp_path, f"{part}.csv", f"text,label\n{rows}")
    found = find_examples(tmp_path, TASK, Draw(), Recorder())
    assert [len(part) for part in (found.train, found.dev, found.test)] == [2, 2, 2]
    leaky = write(tmp_path, "other.csv", "text,label\nseven,a\ntwo,b\n")
    with pytest.raises(BadInputError, match=r"1 test examples are .* \(test rows 3\)"):
        find_examples(tmp_path, TASK, Draw(), Recorder(), leaky)
    (tmp_path / "dev.csv").unlink()
    with pytest.raises(BadInputError, match="no dev file"):
        find_examples(tmp_path, TASK, Draw(), Recorder())


def test_a_draw_from_one_file_leaves_the_rest_to_test_on(tmp_path: Path) -> None:
    rows = "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(20))
    path = write(tmp_path, "all.csv", f"text,label\n{rows}text 0,a\n!,b\n")
    recorder = Recorder()
    found = find_examples(path, TASK, Draw(k=3), recorder)
    seen = {one.texts for one in (*found.train, *found.dev)}
    assert len(found.train) == len(found.dev) == 6
    assert not seen & {one.texts for one in found.test}
    most = find_examples(path, TASK, Draw(k=3, max_test=4), recorder)
    assert len(most.test) == 4
    whole = find_examples(path, TASK, Draw(k=0), recorder)
    assert (len(whole.train), len(whole.dev), len(whole.test)) == (20, 2, 0)
    assert any("no letter" in warning for warning in recorder.warnings)
    with pytest.raises(BadInputError, match="needs groups"):
        find_examples(path, TASK, Draw(k=3, grouped=True), recorder)


def test_tasks_have_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as error:
        find_task("sst2")
    assert "did you mean `sst-2`" in error.value.hint
    path = write(
        tmp_path,
        "mine.toml",
        'title = "x"\ntemplate = "*sent_0**mask*"\nwords = { a = "x", b = ["y", "z"] }\n',
    )
    assert find_task(str(path)).words == {"a": ("x",), "b": ("y", "z")}
    bad = write(tmp_path, "bad.toml", 'title = "x"\ntemplat = ""\nwords = { a = "x" }\n')
    with pytest.raises(BadInputError, match="unknown key `templat`"):
        find_task(str(bad))
