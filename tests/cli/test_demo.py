"""`avtool demo` as a user runs it: films, mining, learning, a page."""

import json
from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.core.artifact import verify
from avtool.core.paths import find_recipe
from avtool.evaluation.localisation.overlap import tiou

QUICK = """
command = "finetune"
model = { name = "cnn_tiny" }
data = { audio = { num_mel_bins = 32, hop_ms = 40.0, window_ms = 80.0 } }
loop = { epochs = 3, workers = 0 }
"""
SMALL = ["--video", "none", "--set", "mine.sync.mode=none", "--json", "-q", "--no-progress"]


def demo(out: Path, *arguments: object) -> int:
    return run(["demo", "--out", str(out), *map(str, arguments), *SMALL])


def test_one_film_is_mined(tmp_path, capsys):
    out = tmp_path / "demo"
    assert demo(out, "--films", 1, "--minutes", 1, "--seed", 2) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["report"]).read_text().count("<table>") == 1
    assert result["scores"]["num_true"] > 3
    assert result["learned"] is None


def test_sounds_of_one_film_are_learned_from_the_other(tmp_path, capsys):
    training, out = tmp_path / "quick.toml", tmp_path / "demo"
    training.write_text(QUICK)
    assert demo(out, "--films", 2, "--minutes", 2, "--training", training) == 0
    result = json.loads(capsys.readouterr().out)
    learned, captioned = result["learned"], result["captioned"]
    assert captioned["num_right"] <= min(captioned["num_cues"], captioned["num_true"])
    assert captioned["num_true"] > 3
    assert (out / "captions" / f"{learned['films'][0]}.en-sdh.vtt").is_file()
    assert learned["train_clips"] > learned["classes"] // 2
    assert learned["test_clips"] > 3
    assert len(learned["films"]) == 1
    assert 0 <= learned["interval"][0] <= learned["accuracy"] <= learned["interval"][1] <= 1
    assert 0 <= learned["majority"] < 1
    queried = result["queried"]
    assert {one["kind"] for one in queried["queries"]} == {"sound clip", "sentence"}
    assert all(one["true"] for one in queried["queries"])
    clips = next(one for one in queried["scores"] if one["kind"] == "sound clip")
    assert clips["num_right"] > clips["num_by_chance"]
    assert (out / "hits" / "hits.html").read_text().count("data:audio") >= 2
    for artifact in ("mined", "run", "predictions", "thresholds", "captions", "index", "hits"):
        assert verify(out / artifact) == []
    page = (out / "report.html").read_text()
    assert "always the most frequent sound" in page
    assert "Captions of the held-out film" in page
    assert "hits/hits.html" in page
    assert page.count("<svg") == 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 30])
def test_the_most_confident_queries_are_found(tmp_path, capsys, seed):
    arguments = ["--video", "none", "--seed", str(seed), "--json", "-q", "--no-progress"]  # synchronised
    assert run(["demo", "--out", str(tmp_path / "demo"), *arguments]) == 0
    queried = json.loads(capsys.readouterr().out)["queried"]
    assert len(queried["queries"]) == 6
    for one in queried["queries"]:
        assert tiou([one["hit"]], one["true"]).max() > 0.3, one
    for kind in queried["scores"]:
        assert kind["num_right"] > 0.5 * kind["num_queries"]
        assert kind["num_by_chance"] < 0.2 * kind["num_queries"]


def test_what_a_model_rebuilds_of_the_held_out_film_is_shown(tmp_path, capsys):
    pretraining, out = tmp_path / "quick.toml", tmp_path / "demo"
    shipped = find_recipe("pretrain/demo-mavil")
    pretraining.write_text(f'extends = "{shipped}"\nloop = {{ max_steps = 2, batch_size = 4 }}\n')
    arguments = ["--films", 2, "--minutes", 1, "--video", "static", "--training", "none"]
    arguments += ["--pretraining", pretraining, *SMALL[2:]]
    assert run(["demo", "--out", str(out), *map(str, arguments)]) == 0
    pretrained = json.loads(capsys.readouterr().out)["pretrained"]
    assert [item["modality"] for item in pretrained["reconstructed"]] == ["audio", "video"]
    assert pretrained["train_clips"] > 3
    assert verify(out / "pretrained") == []
    page = (out / "report.html").read_text()
    assert "Reconstruction of a held-out film" in page
    assert page.count("data:image/png") == 1


def test_only_a_demonstration_is_replaced(tmp_path, capsys):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "thesis.txt").write_text("")
    assert demo(out, "--overwrite") == 2
    assert "is no demonstration" in capsys.readouterr().err
    assert (out / "thesis.txt").exists()
    (out / ".avtool-demo").touch()
    assert demo(out) == 2
    assert "holds a demonstration already" in capsys.readouterr().err
