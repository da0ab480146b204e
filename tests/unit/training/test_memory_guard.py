"""The guard of memory: what fits is silent, what may not is warned of, what cannot is refused."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.jobs.train import plan_training
from avtool.tasks.generation.recipe import VideoAutoencoderRecipe
from avtool.tasks.generation.task import VideoAutoencoderTask
from avtool.training import memory_guard
from avtool.training.memory_guard import check_memory
from tests.harness import run_avtool, write_video_clips


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("films") / "d", 2, seconds=0.5)


def recipe(*, check_memory: bool = True, precision: str = "fp32", batch_size: int = 4):
    return VideoAutoencoderRecipe.model_validate({
        "model": {"name": "pvdm_autoencoder_tiny"}, "data": {"size": "64", "frames": 8},
        "loop": {"batch_size": batch_size, "accumulate": 3, "check_memory": check_memory},
        "runtime": {"device": "cpu", "precision": precision},
    })  # fmt: skip


def warnings_of(films: Path, **settings) -> list[str]:
    recorder = Recorder()
    check_memory(VideoAutoencoderTask(films, recipe(**settings), recorder), recorder)
    return recorder.warnings


def test_the_guard_knows_the_estimate_of_the_plan(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_training("video-autoencoder", films, recipe(), Silent())
    state, activations = plan.state_mib, plan.activations_mib
    assert activations is not None
    assert 90 < activations < 120
    limit = 0.0
    monkeypatch.setattr(memory_guard, "memory_limit", lambda: limit * 2**20)
    limit = state + 2 * activations
    assert warnings_of(films) == []
    limit = state + activations
    (warning,) = warnings_of(films)
    assert warning.startswith("a step needs about 0.1 to 0.2 GiB of memory, and 0.1 GiB are available: ")
    assert warning.endswith("--batch-size 2 --set loop.accumulate=6 fits")
    limit = (state + activations) / 1.3
    with pytest.raises(BadInputError, match="a step needs about") as refused:
        warnings_of(films)
    assert refused.value.hint.startswith("--batch-size 1 --set loop.accumulate=12 fits; ")
    assert warnings_of(films, check_memory=False) == []
    recorder = Recorder()
    plan_training("video-autoencoder", films, recipe(), recorder)
    assert [text.split(",")[0] for text in recorder.warnings] == [warning.split(",")[0]]
    limit = state / 2
    with pytest.raises(BadInputError) as refused:
        warnings_of(films, batch_size=1)
    assert "choose a smaller recipe" in refused.value.hint


def test_bf16_keeps_less(films: Path) -> None:
    found = [
        plan_training("video-autoencoder", films, recipe(precision=precision), Silent()).activations_mib
        for precision in ("fp32", "bf16")
    ]
    assert 0.4 < found[1] / found[0] < 0.9


def test_processes_of_a_machine_share_its_memory(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_guard, "memory_limit", lambda: 250 * 2**20)
    assert warnings_of(films) == []
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert len(warnings_of(films)) == 1


def test_a_hopeless_training_ends_in_a_line_and_leaves_nothing(films: Path, tmp_path: Path) -> None:
    done = run_avtool(
        "generate", "train-autoencoder", films, "--recipe", "generate/autoencoder-base", "--frames", 8,
        "--batch-size", 4096, "--device", "cpu", "--no-progress", "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 2, done.stderr
    assert "error: a step needs about " in done.stderr
    assert "--set loop.check_memory=false" in done.stderr
    assert list(tmp_path.iterdir()) == []
