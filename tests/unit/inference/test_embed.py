"""`avtool embed`: windows of files as rows of a table, resumed, in bounded memory, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from avtool.cli.main import run
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.feature_table import feature_table, join_tables, read_card, write_table
from avtool.inference.predictor import Predictor
from avtool.inference.recipes import EmbedRecipe
from avtool.jobs.embed import embed
from tests.harness import call, save_encoder


def embed_files(*arguments: object) -> int:
    return call("embed", *arguments, "--device", "cpu", "-q")


def test_a_row_a_window(media: Path, encoder: Path, tmp_path: Path) -> None:
    out = tmp_path / "feats.parquet"
    assert embed_files(media, "--encoder", encoder, "--out", out, "--hop", 0.5) == 0
    table = parquet.read_table(out)
    assert table.schema.field("feature").type == pa.list_(pa.float32(), 32)
    assert set(table["clip_id"].to_pylist()) == {str(media / "film.mp4"), str(media / "sound.wav")}
    of_sound = table.filter(pa.compute.equal(table["clip_id"], str(media / "sound.wav")))
    assert of_sound["start"].to_pylist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    np.testing.assert_allclose(of_sound["end"].to_pylist(), [0.975, 1.475, 1.975, 2.475, 2.5])
    assert not out.with_name("feats.parquet.parts").exists()
    card = read_card(out)
    assert card["modality"] == "audio"
    assert card["settings"]["hop"] == 0.5


def test_evenly_spaced_windows(media: Path, encoder: Path, tmp_path: Path) -> None:
    out = tmp_path / "feats.parquet"
    assert embed_files(media / "sound.wav", "-e", encoder, "-o", out, "--windows", 4) == 0
    starts = parquet.read_table(out)["start"].to_pylist()
    np.testing.assert_allclose(starts, np.linspace(0, 2.5 - 0.975, 4), atol=2e-3)


@pytest.mark.parametrize("modality", ["audio", "video", "both"])
def test_one_modality_or_both(media: Path, fusing_encoder: Path, tmp_path: Path, modality: str) -> None:
    recipe = EmbedRecipe.model_validate({"modality": modality, "runtime": {"device": "cpu"}})
    out = tmp_path / "feats.parquet"
    result = embed([str(media / "film.mp4")], fusing_encoder, out, recipe, Silent())
    assert (result.width, result.modality, result.failed) == (32, modality, [])
    assert result.rows in {3, 4}  # AAC may make the sound some milliseconds longer
    features = np.stack(parquet.read_table(out)["feature"].to_numpy(zero_copy_only=False))
    assert np.isfinite(features).all()
    assert features.std() > 0.1


def test_features_do_not_depend_on_the_batch_size(media: Path, encoder: Path, tmp_path: Path) -> None:
    tables = []
    for size in (1, 16):
        out = tmp_path / f"{size}.parquet"
        assert embed_files(media / "sound.wav", "-e", encoder, "-o", out, "--batch-size", size) == 0
        tables.append(np.stack(parquet.read_table(out)["feature"].to_numpy(zero_copy_only=False)))
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-4, atol=1e-5)


def test_a_random_twin_is_the_same_for_a_seed_and_another_for_another(encoder: Path) -> None:
    def weights(seed: int | None) -> np.ndarray:
        found = Predictor(encoder, RuntimeRecipe(device="cpu"), Silent(), random_seed=seed)
        return next(iter(found.model.parameters())).detach().numpy()

    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))
    assert not np.array_equal(weights(1), weights(None))


def test_a_model_that_does_not_fuse_joins_unit_vectors(media: Path, fusing_encoder: Path) -> None:
    from avtool.inference.predictor import _joined

    torch = pytest.importorskip("torch")
    features = {"audio": torch.randn(2, 4), "video": torch.randn(2, 6)}
    joined = _joined(features)
    cosines = [
        torch.nn.functional.cosine_similarity(value[:1], value[1:]).item() for value in features.values()
    ]
    assert joined.shape == (2, 10)
    assert float(joined[0] @ joined[1]) == pytest.approx(np.mean(cosines), abs=1e-6)


def test_a_bad_file_does_not_stop_the_others(media: Path, encoder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF nothing")
    out = tmp_path / "feats.parquet"
    assert embed_files(media / "sound.wav", bad, "-e", encoder, "-o", out) == 1
    assert set(parquet.read_table(out)["clip_id"].to_pylist()) == {str(media / "sound.wav")}
    assert embed_files(bad, "-e", encoder, "-o", tmp_path / "none.parquet") == 2


def test_a_stopped_call_goes_on(media: Path, encoder: Path, tmp_path: Path) -> None:
    """The first file's features are kept; the second one's are computed once it can be read."""
    recipe = EmbedRecipe.model_validate({"runtime": {"device": "cpu"}})
    out, second = tmp_path / "feats.parquet", tmp_path / "second.wav"
    sources = [str(media / "sound.wav"), str(second)]
    second.write_bytes(b"RIFF nothing")
    with pytest.raises(BadInputError):
        embed(sources, encoder, out, recipe, Silent(), fail_fast=True)
    assert not out.exists()
    second.write_bytes((media / "sound.wav").read_bytes())
    result = embed(sources, encoder, out, recipe, Silent())
    assert [file.status for file in result.files] == ["kept", "embedded"]
    embed(sources, encoder, tmp_path / "whole.parquet", recipe, Silent())
    assert parquet.read_table(out).equals(parquet.read_table(tmp_path / "whole.parquet"))


def test_other_weights_embed_anew(media: Path, encoder: Path, tmp_path: Path) -> None:
    """What a stopped call left is kept for the same weights alone."""
    recipe = EmbedRecipe.model_validate({"runtime": {"device": "cpu"}})
    sources = [str(media / "sound.wav"), str(tmp_path / "absent.wav")]
    (tmp_path / "absent.wav").write_bytes(b"RIFF nothing")
    with pytest.raises(BadInputError):
        embed(sources, encoder, tmp_path / "f", recipe, Silent(), fail_fast=True)
    result = embed(sources, save_encoder(tmp_path / "m", seed=1), tmp_path / "f", recipe, Silent())
    assert [file.status for file in result.files] == ["embedded", "failed"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--modality", "video"], 2, "takes no video: it takes audio"),
        (["--hop", "1", "--windows", "2"], 2, "--hop and --windows are both given"),
        (["--device", "cuda:7"], 3, "cannot use --device cuda:7"),
    ],
)
def test_wrong_options(
    media: Path, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options, code, message
) -> None:
    assert run(["embed", str(media), "-e", str(encoder), "-o", str(tmp_path / "f"), *options]) == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_an_older_file_is_not_replaced_unasked(media: Path, encoder: Path, tmp_path: Path) -> None:
    out = tmp_path / "feats.parquet"
    out.write_text("mine")
    assert embed_files(media, "-e", encoder, "-o", out) == 2
    assert out.read_text() == "mine"
    assert embed_files(media, "-e", encoder, "-o", out, "--overwrite") == 2  # it is no table of ours
    assert out.read_text() == "mine"
    out.unlink()
    assert embed_files(media, "-e", encoder, "-o", out) == 0
    assert embed_files(media, "-e", encoder, "-o", out) == 2
    assert embed_files(media, "-e", encoder, "-o", out, "--overwrite") == 0


def test_pictures_are_no_sound(encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    assert embed_files(tmp_path / "a.png", "-e", encoder, "-o", tmp_path / "f.parquet") == 2
    assert "has no audio" in " ".join(capsys.readouterr().err.split())


def test_what_is_said_as_json(media: Path, encoder: Path, tmp_path: Path, capsys) -> None:
    assert embed_files(media / "sound.wav", "-e", encoder, "-o", tmp_path / "f.parquet", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"], said["width"], said["modality"]) == (3, 32, "audio")


def test_tables_are_joined_in_order(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    for name in "ab":
        table = feature_table(name, [(0.0, 1.0), (1.0, 2.0)], values)
        write_table(tmp_path / name, table, {"width": 6})
    assert join_tables([tmp_path / "b", tmp_path / "a"], tmp_path / "c", {"more": 1}) == 4
    assert parquet.read_table(tmp_path / "c")["clip_id"].to_pylist() == ["b", "b", "a", "a"]
    assert read_card(tmp_path / "c") == {"more": 1}


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PAR1 no")
    with pytest.raises(CorruptArtifactError, match="holds no features"):
        join_tables([tmp_path / "a"], tmp_path / "c", {})
    assert not (tmp_path / "c").exists()


def test_a_model_without_features_is_refused(tmp_path: Path) -> None:

    from avtool.models.model_folder import ModelDescription, save_model
    from avtool.models.registry import create

    model = create("ast_mm_tiny")
    save_model(tmp_path / "m", model.state_dict(), ModelDescription("ast_mm_tiny", {}, {"inputs": ["audio"]}))
    with pytest.raises(BadInputError, match="gives no features"):
        Predictor(tmp_path / "m", RuntimeRecipe(device="cpu"), Silent()).features([])
