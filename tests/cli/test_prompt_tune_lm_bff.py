"""LM-BFF as a user runs it: from examples to a model, predictions, cue kinds, mined kinds, bad input."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from avtool.core.artifact import read_artifact, verify
from avtool.evaluation.predictions_file import read_predictions
from avtool.synthetic.make_film import make_film
from tests.harness import CUES, call, run_avtool, save_masked_lm, write_cues

QUICK = ["--device", "cpu", "--max-steps", "30", "--batch-size", "3", "--lr", "3e-3", "--no-progress"]
QUICK += ["--set", "loop.tensorboard=false", "--set", 'loop.validate_every="10 steps"', "--precision", "fp32"]


@pytest.fixture(scope="module")
def cues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cues(tmp_path_factory.mktemp("cues") / "data")


def words_of(cues: Path, lm: Path | None = None, task: Path | None = None) -> list[object]:
    given = ["--task", task or cues.parent / "kind.toml", "--model", lm or cues.parent / "lm"]
    return ["prompt-tune", "lm-bff", cues, *given]


@pytest.fixture(scope="module")
def run(cues: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "kind"
    assert call(*words_of(cues), "--k", 3, *QUICK[:-4], "--out", out, "-q") == 0
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_texts_are_predicted_from_tables_and_lines(run: Path, cues: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("dog growls\n\ndoor slams shut\n")
    done = run_avtool(
        "predict", cues, lines, "--model", run, "--out", tmp_path / "out", "--device", "cpu", "--json"
    )
    assert done.code == 0, done.stderr
    assert [file["status"] for file in done.json["files"]] == ["predicted", "predicted"]
    scores = rows_of(tmp_path / "out" / "scores.csv")
    assert len(scores) == 18 + 2
    assert scores[-1]["row"] == f"{lines}:3"
    for row in scores:
        shares = {label: float(row[label]) for label in CUES}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
        assert row["class"] == max(shares, key=shares.get)
    predictions = read_predictions(tmp_path / "out")
    assert predictions.labels[0] == ("human",)
    assert predictions.labels[-1] == ()
    assert verify(tmp_path / "out") == []
    assert call("predict", cues, "--model", run, "--out", tmp_path / "known", "--device", "cpu", "-q") == 0
    assert run_avtool("eval", "--predictions", tmp_path / "known").code == 0
    again = run_avtool("predict", cues, "--model", run, "--out", tmp_path / "again", "--device", "cpu")
    assert again.code == 0
    assert (tmp_path / "again" / "scores.csv").read_bytes() == (
        tmp_path / "known" / "scores.csv"
    ).read_bytes()


def test_texts_are_predicted_from_python(run: Path) -> None:
    import avtool

    model = avtool.load_text_model(run, device="cpu")
    first, second = model.predict(["dog growls", "door slams"])
    assert {first.label, second.label} <= set(model.labels) == set(CUES)
    assert 1 / 3 < first.probability <= 1
    assert model.predict([]) == []
    with pytest.raises(avtool.AvtoolError, match="the model takes 1 texts"):
        model.predict([("dog", "cat")])
    with pytest.raises(avtool.AvtoolError, match="takes prompt, no media"):
        avtool.load_model(run)


def test_cues_are_tagged_with_a_model_and_reviewed(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "cues.csv"
    table.write_text("cue_id,text,film\na,[door slams],x\nb,grunts,x\nc,grunts,y\nd,♪♪,y\ne,ooofing,y\n")
    words = ["tag", "--cues", table, "--with", run, "--min-confidence", 1, "--out", tmp_path / "out"]
    done = run_avtool(*words, "--json")
    assert done.code == 0, done.stderr
    assert "for review" in done.stderr
    first = done.json["tags"][0]
    assert first["sounds"] == ["slam"]
    assert first["classes"]["kind"]["method"] == "lexicon"
    labelled = rows_of(tmp_path / "out" / "labelled.csv")
    assert [row["cue_id"] for row in labelled] == list("abcde")
    assert [row["method_kind"] for row in labelled] == ["lexicon", "lm", "lm", "none", "lm"]
    assert labelled[1]["needs_review_kind"] == "True"
    review = rows_of(tmp_path / "out" / "review.csv")
    assert (review[0]["text"], review[0]["count"]) == ("grunts", "2")
    assert read_artifact(tmp_path / "out", "predictions").inputs[0].kind == "model"
    assert run_avtool("tag", "grunts", "--with", f"mine={run}", "--min-confidence", 0).code == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [("text=RUN", "no name of a taxonomy"), ("source=RUN", "no name"), ("=RUN", "no name"),
     ("../x=RUN", "no name"),
     ("nowhere", "there is no model `nowhere`")],
)  # fmt: skip
def test_a_taxonomy_has_a_name_and_a_model(run: Path, name: str, message: str) -> None:
    done = run_avtool("tag", "dog growls", "--with", name.replace("RUN", str(run)))
    assert (done.code, message in done.stderr) == (2, True), done.stderr


def test_a_threshold_comes_from_the_run(run: Path) -> None:
    done = run_avtool("tag", "grunts", "--with", run)
    assert done.code == 0, done.stderr
    threshold = json.loads((run / "outcome.json").read_text())["metrics"].get("threshold")
    reason = f"guesses below {threshold:.3f}" if threshold else "none was sure in validation: all guesses"
    assert f"{reason} are for review" in done.stderr


def test_films_are_mined_with_kinds(run: Path, tmp_path: Path) -> None:
    make_film(tmp_path / "films", seed=1, minutes=0.5, name="film", video="none", style="netflix")
    words = ["mine-subtitles", tmp_path / "films" / "film.mkv", "--sync", "none", "--format", "none", "-q"]
    assert call(*words, "--out", tmp_path / "plain") == 0
    assert call(*words, "--kind", run, "--set", "min_confidence=1.0", "--out", tmp_path / "kinds") == 0
    plain = parquet.read_table(tmp_path / "plain" / "manifest.parquet")
    kinds = parquet.read_table(tmp_path / "kinds" / "manifest.parquet")
    assert "kind" not in plain.column_names
    assert kinds.select(plain.column_names).equals(plain)
    assert set(kinds["kind_method"].to_pylist()) <= {"lexicon", "lm", "none"}
    assert "lexicon" in kinds["kind_method"].to_pylist()
    events = rows_of(tmp_path / "kinds" / "events.csv")
    assert [event["kind"] for event in events] == kinds["kind"].to_pylist()
    unsure = {event["tag_clean"] for event in events if event["kind_method"] == "lm"}
    assert {row["text"] for row in rows_of(tmp_path / "kinds" / "review.csv")} == unsure
    assert verify(tmp_path / "kinds") == []


def test_subcommands_around_it(cues: Path, tmp_path: Path) -> None:
    given = ["--task", cues.parent / "kind.toml", "--model", cues.parent / "lm"]
    listed = run_avtool("prompt-tune", "tasks", "--json").json["tasks"]
    assert len(listed) == 16
    assert call("prompt-tune", "split", cues, *given[:2], "--k", 2, "--out", tmp_path / "split", "-q") == 0
    parts = {part: len(rows_of(tmp_path / "split" / f"{part}.csv")) for part in ("train", "dev", "test")}
    assert parts == {"train": 6, "dev": 6, "test": 6}
    shown = run_avtool("prompt-tune", "inspect", tmp_path / "split", *given, "-n", 2, "--json").json[
        "prompts"
    ]
    assert len(shown) == 2
    assert "<mask> sound." in shown[0]["prompt"]
    assert call("prompt-tune", "zero-shot", *given, "--out", tmp_path / "zero", "-q") == 0
    assert (
        call("predict", cues, "--model", tmp_path / "zero", "--out", tmp_path / "p", "--device", "cpu", "-q")
        == 0
    )
    no_threshold = run_avtool("tag", "grunts", "--with", tmp_path / "zero")
    assert no_threshold.code == 2
    assert "--min-confidence" in no_threshold.stderr


def test_a_plan_writes_nothing_and_names_the_task(cues: Path, tmp_path: Path) -> None:
    done = run_avtool(*words_of(cues), "--k", 2, "--dry-run", "--json")
    assert done.code == 0, done.stderr
    assert done.json["plan"]["task"] == "kind"
    assert done.json["plan"]["train_examples"] == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--template", "*cls**sent_0*"], "character 14: no mask"),
        (["--template", "*cls**sent_0**mask**mask*"], "a second mask"),
        (["--template", "*cls**sent_1**mask*"], "`sent_1` is no text"),
        (["--template", "*cls**words_0**mask*"], "`words_0` is no part"),
        (["--k", "9"], "has 6 examples, and K = 9 needs 18"),
        (
            ["--set", "data.words={ human = ['humanity'], animal = ['animal'], object = ['machine'] }"],
            "the label word `humanity` of class `human` is",
        ),
        (["--model", "nowhere"], "is no folder of transformers"),
        (["--task", "sst2"], "no text task is called"),
        (["--head", "words", "--set", "data.words={ a = ['x'] }"], "the classes are human, animal, object"),
    ],
)
def test_bad_input_is_one_line(cues: Path, tmp_path: Path, changes: list[str], message: str) -> None:
    done = run_avtool(*words_of(cues), "--k", 2, *changes, "--out", tmp_path / "run", "--no-progress")
    assert done.code == 2, done.stderr
    error = next(line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert message in error
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cue_id,text\n1,a\n1,b\n", "rows 2 and 3: the cue_id `1` twice"),
        ("id,words\n1,a\n", "has no column `text`"),
        ("", "no rows"),
    ],
)
def test_bad_cues_are_one_line(run: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cues.csv").write_text(text)
    done = run_avtool("tag", "--cues", tmp_path / "cues.csv", "--with", run)
    assert done.code == 2
    assert message in done.stderr
    assert run_avtool("tag").code == 2


@pytest.mark.parametrize(
    "words",
    ["{ a = 1, b = 2 }", '{ a = { c = "d" }, b = "e" }', '{ a = "", b = "e" }', '{ a = " ", b = "e" }'],
)
def test_label_words_that_are_none_are_refused(cues: Path, tmp_path: Path, words: str) -> None:
    task = tmp_path / "mine.toml"
    task.write_text(f'title = "t"\nwords = {words}\ntemplate = "*cls**sent_0**mask*"\n')
    done = run_avtool(*words_of(cues, task=task), "--out", tmp_path / "run")
    assert done.code == 2, done.stderr
    assert "mine.toml" in done.stderr


def test_a_search_never_takes_the_place_of_its_inputs(cues: Path, tmp_path: Path) -> None:
    given = [cues, "--task", cues.parent / "kind.toml", "--model", cues.parent / "lm", "--k", 2]
    (tmp_path / "link").symlink_to(cues)
    before = cues.read_bytes()
    refusals = [(cues, "is an input"), (tmp_path / "link", "is an input"), (cues / "x", "a file stands")]
    refusals += [(tmp_path, "a folder stands"), (cues.parent / "lm" / "config.json", "is an input")]
    for out, reason in refusals:
        for words in (["label-search"], ["template-search", "--t5", cues.parent / "lm"]):
            done = run_avtool("prompt-tune", words[0], *given, *words[1:], "--out", out)
            assert (done.code, reason in done.stderr) == (2, True), done.stderr
    assert cues.read_bytes() == before


def change_config(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"hidden_act": "evil"}, 2), ({"num_attention_heads": 0}, 2), ({"hidden_size": "a"}, 4)],
)
def test_a_configuration_that_builds_nothing_is_one_line(
    cues: Path, tmp_path: Path, changes: dict[str, object], code: int
) -> None:
    save_masked_lm(tmp_path / "lm")
    change_config(tmp_path / "lm", **changes)
    done = run_avtool(*words_of(cues, tmp_path / "lm"), "--k", 2, "--out", tmp_path / "run", "--no-progress")
    assert done.code == code, done.stderr


def test_a_model_without_its_vocabulary_is_refused(cues: Path, tmp_path: Path) -> None:
    save_masked_lm(tmp_path / "lm")
    (tmp_path / "lm" / "tokenizer.json").unlink()
    done = run_avtool(*words_of(cues, tmp_path / "lm"), "--k", 2, "--out", tmp_path / "run", "--no-progress")
    assert (done.code, "holds no tokenizer" in done.stderr) == (4, True), done.stderr


def test_other_models_are_refused(cues: Path, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("gpt2", vocab_size=60, n_embd=32, n_layer=1, n_head=2, n_positions=64)
    save_masked_lm(tmp_path / "lm")
    (tmp_path / "lm" / "model.safetensors").unlink()
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "lm")
    done = run_avtool(*words_of(cues, tmp_path / "lm"), "--k", 2, "--out", tmp_path / "run", "--no-progress")
    assert done.code == 2, done.stderr
    assert "`gpt2` is no masked LM" in done.stderr


def test_the_json_of_a_training(cues: Path, tmp_path: Path) -> None:
    words = [*words_of(cues), "--k", 2, *QUICK, "--max-steps", 2]
    done = run_avtool(*words, "--out", tmp_path / "run", "--json")
    assert done.code == 0, done.stderr
    assert {"accuracy", "macro_f1", "matthews"} <= json.loads(done.stdout)["result"]["metrics"].keys()
