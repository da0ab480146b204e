"""Artifacts: atomic, verifiable, and clear about what does not fit."""

import json

import pytest

from avtool.core.artifact import Artifact, Input, read_artifact, settings_hash, verify
from avtool.core.artifact_folder import open_partial, partial_folder, publish
from avtool.core.errors import BadInputError, CorruptArtifactError


def make(out, settings, text="a"):
    partial = open_partial(out, settings, kind="dataset")
    (partial / "data.csv").write_text(text)
    (partial / "clips").mkdir(exist_ok=True)
    (partial / "clips" / "1.wav").write_text("sound")
    publish(
        out,
        Artifact("dataset", "avtool x", settings, inputs=[Input("f", "film", "0" * 64)]),
        unhashed=["clips"],
    )


def test_round_trip(tmp_path):
    make(tmp_path / "out", {"a": 1})
    artifact = read_artifact(tmp_path / "out", "dataset")
    assert artifact.recipe == {"a": 1}
    assert artifact.inputs == [Input("f", "film", "0" * 64)]
    assert set(artifact.files) == {"data.csv", "settings.json", "contents.json"}
    assert verify(tmp_path / "out") == []
    assert not partial_folder(tmp_path / "out").exists()


def test_verify_sees_changed_and_missing_files(tmp_path):
    make(tmp_path / "out", {})
    (tmp_path / "out" / "data.csv").write_text("b")
    (tmp_path / "out" / "settings.json").unlink()
    assert sorted(verify(tmp_path / "out")) == ["data.csv has changed", "settings.json is missing"]


def test_equal_settings_resume_and_others_are_refused(tmp_path):
    out = tmp_path / "out"
    partial = open_partial(out, {"collar": 1.0}, kind="dataset")
    (partial / "half").write_text("x")
    assert (open_partial(out, {"collar": 1.0}, kind="dataset") / "half").exists()
    with pytest.raises(BadInputError, match=r"collar: 1.0 then, 2.0 now"):
        open_partial(out, {"collar": 2.0}, kind="dataset")
    assert not (open_partial(out, {"collar": 2.0}, overwrite=True, kind="dataset") / "half").exists()


def test_a_key_that_is_not_set_is_no_other_setting(tmp_path):
    out = tmp_path / "out"
    open_partial(out, {"recipe": {"hop": None}}, kind="dataset")
    open_partial(out, {"recipe": {"hop": None, "windows": None}}, kind="dataset")
    with pytest.raises(BadInputError, match=r"recipe\.windows: None then, 3 now"):
        open_partial(out, {"recipe": {"hop": None, "windows": 3}}, kind="dataset")


def test_a_foreign_folder_or_file_is_never_touched(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("x")
    with pytest.raises(BadInputError, match="not an avtool artifact"):
        open_partial(tmp_path / "photos", {}, kind="dataset")
    with pytest.raises(BadInputError, match="not an avtool artifact"):
        open_partial(tmp_path / "photos", {}, overwrite=True, kind="dataset")
    assert (tmp_path / "photos" / "me.jpg").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInputError, match="is a file"):
        open_partial(tmp_path / "file", {}, kind="dataset")


def test_the_old_artifact_stands_until_the_new_one_is_complete(tmp_path):
    out = tmp_path / "out"
    make(out, {"a": 1}, "old")
    partial = open_partial(out, {"a": 2}, overwrite=True, kind="dataset")
    assert (out / "data.csv").read_text() == "old"
    (partial / "data.csv").write_text("new")
    publish(out, Artifact("dataset", "x", {"a": 2}))
    assert (out / "data.csv").read_text() == "new"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"schema_version": 99, "avtool": "9.9"}, CorruptArtifactError, "avtool 9.9 wrote it"),
        ({"kind": "cake"}, CorruptArtifactError, "unknown kind `cake`"),
        ({"kind": "model"}, BadInputError, "a dataset is needed"),
        ({"surprise": 1}, CorruptArtifactError, "lacks or adds keys"),
        ({"files": [1]}, CorruptArtifactError, "no names with hashes"),
        ({"files": {"a.txt": None}}, CorruptArtifactError, "no names with hashes"),
    ],
)
def test_cards_that_do_not_fit(tmp_path, change, error, message):
    make(tmp_path / "out", {})
    card = tmp_path / "out" / "artifact.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(error, match=message):
        read_artifact(tmp_path / "out", "dataset")


def test_a_damaged_card(tmp_path):
    make(tmp_path / "out", {})
    (tmp_path / "out" / "artifact.json").write_text("{")
    with pytest.raises(CorruptArtifactError, match="not valid JSON"):
        read_artifact(tmp_path / "out")


def test_file_names_in_a_card_cannot_leave_the_folder(tmp_path):
    make(tmp_path / "out", {})
    card = tmp_path / "out" / "artifact.json"
    values = json.loads(card.read_text())
    values["files"] = {"../secret": "0"}
    card.write_text(json.dumps(values))
    with pytest.raises(CorruptArtifactError, match="points outside"):
        verify(tmp_path / "out")


def test_settings_have_a_stable_name():
    assert settings_hash({"a": 1, "b": (2,)}) == settings_hash({"b": [2], "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})
