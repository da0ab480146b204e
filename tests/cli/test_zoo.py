"""`avtool zoo` on the command line."""

import csv
import importlib
import io
import json
from pathlib import Path

import pytest

from tests.harness import run_avtool


def test_lists() -> None:
    done = run_avtool(
        "zoo", "list", "--task", "detection", "--built", "--max-params", "35", "--sort", "params", "--json"
    )
    rows = done.json["rows"]
    assert [row["key"] for row in rows] == ["yolos-ti", "yolos-s", "deformable-detr-r50-single-scale"]
    text = run_avtool("zoo", "list", "--family", "Deep Transformer", "--format", "csv").stdout
    assert len(list(csv.DictReader(io.StringIO(text)))) == 24
    markdown = run_avtool("zoo", "list", "--built", "--max-macs", "0.3", "--format", "md").stdout
    assert markdown.splitlines()[0].startswith("| name | heading |")
    none = run_avtool("zoo", "list", "--max-params", "0.1")
    assert none.code == 0
    assert "no row fits" in none.stderr


def test_a_row_is_shown_with_its_sources() -> None:
    done = run_avtool("zoo", "show", "VOLO-D5")
    assert done.code == 0
    for text in (
        "card: official README",
        "memory: paper",
        "measured",
        "outlook attention",
        "graph is not the paper",
    ):
        assert text in done.stdout
    assert json.loads(run_avtool("zoo", "show", "swin-t", "--json").stdout)["row"]["metric"] == "top-1"


def test_the_tree() -> None:
    done = run_avtool("zoo", "tree", "--rows")
    assert "    Focal-T  (no builder)" in done.stdout.splitlines()
    assert len(run_avtool("zoo", "tree", "--json").json["taxonomy"]) == 13


def test_rows_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    (tmp_path / "mine.csv").write_text(
        "name,library,builder,image_size\nMine,timm,vit_tiny_patch16_224,224\n"
    )
    assert run_avtool("zoo", "add", "--csv", tmp_path / "mine.csv").code == 0
    assert run_avtool("zoo", "show", "mine", "--json").json["row"]["builder"] == "vit_tiny_patch16_224"
    again = run_avtool("zoo", "add", "--csv", tmp_path / "mine.csv")
    assert again.code == 2
    assert "line 2, column `name`: `Mine` is in" in again.stderr


def test_unknown_names_offer_the_nearest() -> None:
    done = run_avtool("zoo", "show", "deit-tiny")
    assert done.code == 2
    assert "no row of the zoo is called `deit-tiny`" in done.stderr
    assert "`avtool zoo list --built` shows them all" in done.stderr


def test_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    done = run_avtool(
        "zoo", "count", "deit-ti", "--num-classes", 10, "--channels", 1, "--out", tmp_path / "c.csv", "--json"
    )
    assert done.code == 0
    (found,) = done.json["counts"]
    assert found["params"] == 5_717_416 - 990 * 193 - 2 * 192 * 256
    (row,) = csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text()))
    assert row["key"] == "deit-ti"
    assert int(row["macs"]) == found["macs"]


@pytest.mark.parametrize("verb", ["count", "verify", "bench"])
def test_tables_replace_only_those_of_their_kind_and_only_by_request(verb: str, tmp_path: Path) -> None:
    jobs = {name: importlib.import_module(f"avtool.jobs.zoo.{name}") for name in ("count", "verify", "bench")}
    out = tmp_path / "t.csv"
    for text in ("film,note\na,kept\n", ",".join(jobs[verb].COLUMNS) + "\n"):
        out.write_text(text)
        done = run_avtool("zoo", verb, "deit-ti", "--out", out)
        assert done.code == 2
        assert "--overwrite" in done.stderr
        assert out.read_text() == text
    jobs[verb].check_table(out, jobs[verb].COLUMNS, overwrite=True)
    out.write_text("film,note\na,kept\n")
    done = run_avtool("zoo", verb, "deit-ti", "--out", out, "--overwrite")
    assert done.code == 2
    assert "is no such table of avtool" in " ".join(done.stderr.split())
    assert out.read_text() == "film,note\na,kept\n"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["count", "focal-t"], 2, "has no builder"),
        (["count"], 2, "name some rows, or give --all"),
        (["count", "deit-ti", "--all"], 2, "name some rows, or give --all"),
        (["count", "deit-ti", "--image-size", "224px"], 2, "no SIDE or HEIGHTxWIDTH"),
        (["count", "deit-ti", "--image-size", "100"], 2, "multiples of 16: 96 or 112"),
        (["count", "deit-tiny"], 2, "no row of the zoo is called"),
        (["verify", "focal-t"], 2, "has no builder"),
        (["count", "timm:resnet5O", "--image-size", "64"], 2, "did you mean `resnet50`"),
        (["show", "timm:resnet5O"], 2, "did you mean `resnet50`"),
    ],
)
def test_what_cannot_be_counted(words: list[str], code: int, text: str) -> None:
    done = run_avtool("zoo", *words)
    assert done.code == code
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_verification(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from avtool.models.zoo import oracle

    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(oracle.count_torchvision, "__defaults__", (("swin_t",),))
    done = run_avtool("zoo", "verify", "swin-t", "convit-s", "--out", tmp_path / "v.csv")
    assert done.code == 0, done.stderr
    assert "2 of 2" not in done.stdout
    assert "the builder's graph is not the paper's" in done.stdout
    assert "1 of 1 are exact" in done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "v.csv").read_text())))
    assert [row["agrees"] for row in rows] == ["yes", "no"]
    known = sorted(path.name for path in (tmp_path / "cache").rglob("*.json"))
    assert len(known) == 3  # of two rows, and of torchvision's own
    assert run_avtool("zoo", "verify", "swin-t", "convit-s").code == 0
    assert sorted(path.name for path in (tmp_path / "cache").rglob("*.json")) == known
    strict = run_avtool("zoo", "verify", "swin-b-384", "--tolerance", "0", "--json")
    assert strict.code == 0  # a printed figure that rounds to the counted one agrees at any tolerance


def test_verification_fails_where_a_row_agreed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avtool.models.zoo import oracle

    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    monkeypatch.setattr(oracle.count_torchvision, "__defaults__", ((),))
    header = "name,library,builder,image_size,params_m,params_m_measured"
    (tmp_path / "mine.csv").write_text(f"{header}\nMine,timm,deit_tiny_patch16_224,224,20,20\n")
    assert run_avtool("zoo", "add", "--csv", tmp_path / "mine.csv").code == 0
    done = run_avtool("zoo", "verify", "mine")
    assert done.code == 1
    assert "Mine agreed when the catalogue was made, and does not any more" in done.stderr


def test_a_row_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("one", "two"):
        assert run_avtool("zoo", "build", "mobilevit-xxs", "--out", tmp_path / name, "--seed", 3).code == 0
    weights = [tmp_path / name / "model.safetensors" for name in ("one", "two")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    again = run_avtool(
        "zoo", "build", "mobilevit-xxs", "--out", tmp_path / "three", "--weights", weights[0], "--json"
    )
    assert again.code == 0, again.stderr
    assert again.json["parameters"] == 1_272_024 - 1000 * 321
    assert (tmp_path / "three" / "model.safetensors").read_bytes() == weights[0].read_bytes()
    image = tmp_path / "photo.png"
    from PIL import Image

    Image.new("RGB", (64, 48), (200, 30, 90)).save(image)
    table = tmp_path / "features.parquet"
    done = run_avtool("embed", image, "--encoder", tmp_path / "one", "--out", table, "--json")
    assert done.code == 0, done.stderr
    assert done.json["width"] == 320


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["t2t-vit-14", "--pretrained"], 3, "no hub is known that has weights of `T2T-ViT-14`"),
        (["swin-t", "--weights", "absent.pt"], 2, "the weights `absent.pt` do not exist"),
        (["swin-t", "--weights", "absent.pt", "--pretrained"], 2, "are both given"),
        (["focal-t"], 2, "has no builder"),
        (["igpt-s"], 2, "is no encoder of images"),
    ],
)
def test_what_cannot_be_built(words: list[str], code: int, text: str, tmp_path: Path) -> None:
    done = run_avtool("zoo", "build", *words, "--out", tmp_path / "out")
    assert done.code == code
    assert text in done.stderr
    assert not (tmp_path / "out").exists()
    (tmp_path / "there").mkdir()
    assert run_avtool("zoo", "build", "swin-t", "--out", tmp_path / "there").code == 2


def test_published_weights_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    done = run_avtool("zoo", "build", "deit-ti", "--pretrained", "--out", tmp_path / "out")
    assert done.code == 3
    assert done.stderr.splitlines()[0].startswith("error: the weights of `DeiT-Ti` cannot be downloaded")
    assert len(done.stderr.splitlines()) == 2
