"""What a training does besides its steps: what is kept, what is best, and how it fails."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError, SomeFailedError
from avtool.core.reporter import Recorder
from avtool.models.load import load_model
from avtool.models.model_folder import load_tensors
from avtool.objectives.classification import CRITERIA, Classification
from avtool.training.loop import fit
from avtool.training.metrics_log import read_metrics
from tests.unit.training.synthetic_training import NoisyClips, make_task, quiet_task, recipe

torch.set_num_threads(1)
SCORE = Classification(("audio",), CRITERIA["single-label"])


def scripted(values: list[float], name: str = "score") -> Callable[..., dict[str, float]]:
    """A validation that gives one value after the other."""
    left = list(values)
    return lambda model, device: {name: left.pop(0)}


def steps_kept(run: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in (run / "checkpoints").iterdir())


def test_training_learns_and_leaves_a_model_that_predicts(tmp_path: Path) -> None:
    fast = recipe(loop={"epochs": 15, "checkpoint_every": "never"}, optimizer={"lr": 0.05})
    outcome = fit(quiet_task(), fast, tmp_path)
    assert outcome.steps == 60
    assert outcome.metrics["accuracy"] == 1.0
    assert outcome.metrics["loss"] < 0.5
    assert outcome.samples_per_second > 0


def test_the_saved_model_is_the_average_of_the_weights(tmp_path: Path) -> None:
    outcome = fit(make_task(), recipe(), tmp_path)
    state = tmp_path / "checkpoints" / "step-000012" / "state"
    average, trained = (
        load_tensors(state / "average.safetensors"),
        load_tensors(state / "weights.safetensors"),
    )
    model = load_model(outcome.model).model.state_dict()
    assert all(torch.equal(model[name], average[f"model.{name}"]) for name in model)
    assert not torch.equal(average["model.head.1.weight"], trained["model.head.1.weight"])


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = fit(make_task(), recipe(), tmp_path)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    again = fit(make_task(), recipe(), tmp_path)
    assert (again.steps, again.resumed_from, again.metrics) == (12, 12, first.metrics)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


@pytest.mark.parametrize(("maximise", "best"), [(True, 8), (False, 4)])
def test_best_names_the_best_validation(tmp_path: Path, maximise: bool, best: int) -> None:
    task = make_task(validate=scripted([0.2, 0.9, 0.5]), metric="score", maximise=maximise)
    tables = {"final": "best", "keep": 1, "checkpoint_every": "1 step"}
    outcome = fit(task, recipe(loop=tables), tmp_path)
    assert outcome.best_step == best
    assert (tmp_path / "best").read_text() == f"step-{best:06d}\n"
    assert steps_kept(tmp_path) == [best, 12]
    chosen = tmp_path / "checkpoints" / f"step-{best:06d}" / "model" / "model.safetensors"
    assert (outcome.model / "model.safetensors").read_bytes() == chosen.read_bytes()
    assert outcome.metrics == {"score": 0.9 if maximise else 0.2}


def test_patience_ends_a_run_that_gets_no_better(tmp_path: Path) -> None:
    task = make_task(validate=scripted([0.5, 0.9, 0.4, 0.3, 0.2]), metric="score", maximise=True)
    outcome = fit(task, recipe(loop={"epochs": 50, "patience": 2}), tmp_path)
    assert (outcome.steps, outcome.best_step) == (16, 8)
    assert fit(make_task(), recipe(loop={"epochs": 50, "patience": 2}), tmp_path).resumed_from == 16


def test_a_metric_that_is_undefined_is_null_and_never_best(tmp_path: Path) -> None:
    task = make_task(validate=scripted([math.nan, 0.3, math.nan]), metric="score", maximise=True)
    assert fit(task, recipe(), tmp_path).best_step == 8
    lines = [line for line in read_metrics(tmp_path / "metrics.jsonl") if line["split"] == "val"]
    assert [line["score"] for line in lines] == [None, 0.3, None]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state(
    tmp_path: Path, bad: float
) -> None:
    calls = [0]

    def objective(model: torch.nn.Module, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        calls[0] += 1
        return {"loss": SCORE(model, batch)["loss"] * (bad if calls[0] > 16 else 1)}

    task = make_task(objective, validate=None, sample_ids=[f"clip-{index}" for index in range(24)])
    with pytest.raises(SomeFailedError, match=f"the loss became {bad} at step 9") as caught:
        fit(task, recipe(), tmp_path)
    assert "step-000006" in caught.value.hint
    assert steps_kept(tmp_path) == [3, 6]
    weights = load_model(tmp_path / "checkpoints" / "step-000006").model.state_dict()
    assert all(bool(value.isfinite().all()) for value in weights.values())
    record = json.loads((tmp_path / "crash.json").read_text())
    assert record["step"] == 9
    assert len(set(record["samples"])) == 6


def test_the_term_that_is_no_number_is_named(tmp_path: Path) -> None:
    def objective(model: torch.nn.Module, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        loss, broken = SCORE(model, batch)["loss"], torch.tensor(math.nan)
        return {"loss": loss + broken, "contrast": broken, "pixels": loss}

    with pytest.raises(SomeFailedError, match=r"at step 1 \(of its terms: contrast\)"):
        fit(make_task(objective, validate=None), recipe(), tmp_path)
    assert json.loads((tmp_path / "crash.json").read_text())["terms"] == ["contrast"]


def test_weights_that_are_no_numbers_are_never_kept(tmp_path: Path) -> None:
    task = quiet_task()
    task.model.head.bias.register_hook(lambda gradient: gradient * math.nan)
    unclipped = recipe(optimizer={"clip_norm": 0}, loop={"checkpoint_every": "1 step"})
    with pytest.raises(SomeFailedError, match="weights are not finite after step 1") as caught:
        fit(task, unclipped, tmp_path)
    assert "no checkpoint had been written" in caught.value.hint
    assert not (tmp_path / "checkpoints").exists()


def test_an_objective_with_parameters_of_its_own_is_trained_but_not_saved_with_the_model(
    tmp_path: Path,
) -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, model: torch.nn.Module, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
            logits = model(batch["audio"]).logits * self.scale
            return {"loss": torch.nn.functional.cross_entropy(logits, batch["label"]), "scale": self.scale}

    objective = Scaled()
    fit(make_task(objective), recipe(), tmp_path)
    assert float(objective.scale.detach()) != 1
    state = load_tensors(tmp_path / "checkpoints" / "step-000012" / "state" / "weights.safetensors")
    assert torch.equal(state["objective.scale"], objective.scale.detach())
    assert "scale" not in load_tensors(tmp_path / "model" / "model.safetensors")
    assert "scale" in read_metrics(tmp_path / "metrics.jsonl")[1]


def test_samples_may_be_texts(tmp_path: Path) -> None:
    """Token ids without clips, labels or recordings; their names are in the record of a crash."""
    texts = [{"tokens": torch.arange(index, index + 4)} for index in range(8)]
    model = torch.nn.Sequential(torch.nn.Embedding(12, 8), torch.nn.Flatten(), torch.nn.Linear(32, 12))

    def next_token(model: torch.nn.Module, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        return {"loss": torch.nn.functional.cross_entropy(model(batch["tokens"]), batch["tokens"][:, -1])}

    changes = {"transform": None, "validate": None, "labels": None, "groups": None}
    task = make_task(
        next_token, model=model, samples=texts, sample_ids=[f"text-{i}" for i in range(8)], **changes
    )
    fit(task, recipe(loop={"max_steps": 40, "log_every": 1}, optimizer={"lr": 0.03}), tmp_path / "run")
    losses = [line["loss"] for line in read_metrics(tmp_path / "run" / "metrics.jsonl")]
    assert losses[-1] < 0.2 * losses[0]
    broken = replace(task, objective=lambda model, batch: {"loss": model(batch["tokens"]).sum() * math.nan})
    with pytest.raises(SomeFailedError):
        fit(broken, recipe(), tmp_path / "broken")
    record = json.loads((tmp_path / "broken" / "crash.json").read_text())
    assert set(record["samples"]) <= {f"text-{i}" for i in range(8)}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_clip_is_one_line(tmp_path: Path, workers: int) -> None:
    class Broken(NoisyClips):
        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            raise BadInputError(f"cannot read `clip-{index % 1}.wav`", "remove it")

    with pytest.raises(BadInputError) as caught:
        fit(make_task(samples=Broken()), recipe(loop={"workers": workers}), tmp_path)
    assert (caught.value.message, caught.value.hint) == ("cannot read `clip-0.wav`", "remove it")


def test_no_clips_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="there are no samples"):
        fit(make_task(samples=torch.utils.data.Subset(NoisyClips(), [])), recipe(), tmp_path)


def test_fewer_clips_than_a_batch_are_taken_again(tmp_path: Path) -> None:
    task = make_task(samples=torch.utils.data.Subset(NoisyClips(), [0, 1]))
    assert fit(task, recipe(loop={"epochs": 2}), tmp_path).steps == 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("finished")
    fit(make_task(), recipe(), run)
    return run


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("optimizer.safetensors", b"\x10\0\0\0\0\0\0\0{", "cannot read the tensors"),
        ("weights.safetensors", None, "cannot read the tensors"),
        ("progress.json", b"{}", "is no record of progress"),
        ("progress.json", b"[", "not valid JSON"),
    ],
)
def test_a_damaged_checkpoint_is_refused(
    finished: Path, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    file = run / "checkpoints" / "step-000012" / "state" / name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=message):
        fit(make_task(), recipe(), run)


def test_what_a_killed_process_left_half_removed_is_no_obstacle(tmp_path: Path) -> None:
    leftover = tmp_path / "checkpoints" / ".step-000003.old" / "state"
    leftover.mkdir(parents=True)
    fit(make_task(), recipe(loop={"keep": 1}), tmp_path)
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names <= {"step-000004", "step-000008", "step-000012"}


def test_a_damaged_checkpoint_names_the_one_before(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "checkpoints" / "step-000012" / "state" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(CorruptArtifactError) as caught:
        fit(make_task(), recipe(), run)
    assert "write `step-000009` into" in caught.value.hint
    (run / "last").write_text("step-000009\n")
    assert fit(make_task(), recipe(), run).resumed_from == 9


def test_a_pointer_cannot_lead_out_of_the_run(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "last").write_text("../../elsewhere\n")
    with pytest.raises(CorruptArtifactError, match="points outside"):
        fit(make_task(), recipe(), run)


def test_a_checkpoint_of_another_network_is_refused(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    with pytest.raises(CorruptArtifactError, match="the checkpoint belongs to another network"):
        fit(quiet_task(), recipe(), run)


def test_decisions_are_told_with_their_reasons(tmp_path: Path) -> None:
    recorder = Recorder()
    fit(make_task(), recipe(loop={"max_steps": 1}), tmp_path, recorder)
    assert recorder.infos == [
        "device: cpu (requested); precision: fp32 (requested)",
        "1 steps of 6 samples: 0.25 epochs of 4 steps",
        "epoch 0.25 of 0.25: step 1; loss 2.555; validation loss 2.328, accuracy 0.1 (best)",
    ]
    assert recorder.warnings == []
    assert "scaled_dot_product_attention" in recorder.details[0]
    assert recorder.details[1].startswith("step 1: loss ")


class Contrast(Classification):
    """A loss that would compare the clips of a batch with each other."""

    contrasts_clips = True


@pytest.mark.parametrize(("accumulate", "warned"), [(1, False), (2, True)])
def test_accumulation_over_contrasts_is_warned_of(tmp_path: Path, accumulate: int, warned: bool) -> None:
    recorder, objective = Recorder(), Contrast(("audio",), CRITERIA["single-label"])
    loop = {"max_steps": 1, "batch_size": 3, "accumulate": accumulate}
    fit(make_task(objective), recipe(loop=loop), tmp_path, recorder)
    found = [text for text in recorder.warnings if "accumulate adds no negatives" in text]
    assert len(found) == warned
    assert not found or "contrasted with the 3 of a batch" in found[0]


@pytest.mark.parametrize("name", ["mavil", "avt"])
def test_the_objectives_that_contrast_clips_declare_it(name: str) -> None:
    from avtool.objectives.masked.mavil import MAViLStage1, MAViLStage2
    from avtool.objectives.temporal.objective import TemporalObjective

    kinds = {"mavil": [MAViLStage1, MAViLStage2], "avt": [TemporalObjective]}
    assert all(kind.contrasts_clips for kind in kinds[name])


def test_a_warm_up_that_outlasts_the_run_is_told(tmp_path: Path) -> None:
    recorder = Recorder()
    fit(make_task(), recipe(loop={"max_steps": 1}, schedule={"warmup_steps": 9}), tmp_path, recorder)
    assert recorder.warnings == ["the warm-up of 9 steps outlasts the run: the rate never reaches its peak"]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"loop": {"final": "best"}}, "need a validation, and this training has none"),
        ({"loop": {"patience": 3}}, "need a validation"),
        ({"ema": {"decay": 0}, "average": {"first_epoch": 9}}, "lies behind the run's 3 epochs"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(
    tmp_path: Path, tables: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        fit(make_task(validate=None), recipe(**tables), tmp_path)


def test_a_bar_counts_the_steps_and_tells_loss_rate_and_memory(tmp_path: Path) -> None:
    from contextlib import contextmanager

    seen: list[tuple[float, str]] = []

    class Bar:
        def advance(self, amount: float = 1, note: str = "") -> None:
            seen.append((amount, note))

    class Watching(Recorder):
        @contextmanager
        def progress(self, description: str, total: float | None) -> Any:
            assert (description, total) == ("training", 12)
            yield Bar()

    fit(make_task(), recipe(), tmp_path, Watching())
    assert sum(amount for amount, _ in seen) == 12
    assert all(word in seen[-1][1] for word in ("loss ", "samples/s", "GiB"))


def test_tensorboard_is_written_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    fit(make_task(), recipe(loop={"max_steps": 2, "tensorboard": True}), tmp_path)
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_the_model_card_holds_the_settings_and_the_metrics(finished: Path) -> None:
    card = json.loads((finished / "model" / "artifact.json").read_text())
    assert card["kind"] == "model"
    assert card["recipe"]["optimizer"]["lr"] == 1e-3
    assert card["seed"] == 3
    assert "| accuracy |" in (finished / "model" / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")  # torch's own, inside compile
def test_a_compiled_model_trains_to_the_same_numbers(tmp_path: Path) -> None:
    tables: dict[str, Any] = {"loop": {"max_steps": 2, "log_every": 1}}
    fit(quiet_task(), recipe(**tables), tmp_path / "plain")
    fit(quiet_task(), recipe(**tables, runtime={"compile": True}), tmp_path / "compiled")
    plain, compiled = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("plain", "compiled"))
    for one, two in zip(plain, compiled, strict=True):
        assert one == pytest.approx(two, abs=1e-5)
