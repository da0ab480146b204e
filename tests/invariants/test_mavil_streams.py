"""MAViL: what flows between sound and video, and what does not; the teacher stays as it is."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.registry import create
from avtool.objectives.masked.mavil import MAViLStage1, MAViLStage2, check_teacher

torch.set_num_threads(1)


def build(**overrides: Any) -> Any:
    torch.manual_seed(0)
    return create("mavil_tiny_pretrain", **overrides)


def batch(batch_size: int = 4, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = {"audio": (128, 32), "video": (3, 4, 32, 32)}
    given = {
        name: torch.randn(batch_size, *shape, generator=generator, dtype=dtype)
        for name, shape in shapes.items()
    }
    for view in ("", "2"):
        given[f"audio_noise{view}"] = torch.rand(batch_size, 16, generator=generator)
        given[f"video_noise{view}"] = torch.rand(batch_size, 8, generator=generator)
    return given


def test_sound_and_video_meet_in_the_fusion_alone() -> None:
    model, given = build(), batch()
    other = {**given, "video": torch.randn(4, 3, 4, 32, 32)}
    with torch.no_grad():
        first, second = model(**given), model(**other)
    assert torch.equal(first.pooled["audio"], second.pooled["audio"])
    assert torch.equal(first.pooled2["audio"], second.pooled2["audio"])
    assert not torch.equal(first.pooled["video"], second.pooled["video"])
    heard = [output.predictions["audio"].prediction for output in (first, second)]
    assert float((heard[0] - heard[1]).abs().max()) > 1e-4


def test_without_fusion_layers_they_never_meet() -> None:
    model, given = build(fusion_layers=0), batch()
    other = {**given, "video": torch.randn(4, 3, 4, 32, 32)}
    with torch.no_grad():
        heard = [model(**clips).predictions["audio"].prediction for clips in (given, other)]
    torch.testing.assert_close(*heard, rtol=0, atol=0)


def test_the_second_mask_is_encoded_and_never_decoded() -> None:
    model, given = build(), batch()
    other = {**given, "audio_noise2": torch.rand(4, 16), "video_noise2": torch.rand(4, 8)}
    with torch.no_grad():
        first, second = model(**given), model(**other)
    for name in ("audio", "video"):
        assert torch.equal(first.predictions[name].prediction, second.predictions[name].prediction)
        assert torch.equal(first.pooled[name], second.pooled[name])
        assert not torch.equal(first.pooled2[name], second.pooled2[name])


def test_both_masks_in_one_batch_equal_each_on_its_own() -> None:
    model, given = build(), batch()
    swapped = {
        name: given[f"{name}2" if name.endswith("noise") else name.removesuffix("2")] for name in given
    }
    with torch.no_grad():
        first, second = model(**given), model(**swapped)
    for name in ("audio", "video"):
        torch.testing.assert_close(first.pooled2[name], second.pooled[name], rtol=0, atol=1e-6)


def test_every_parameter_learns_in_both_stages() -> None:
    stages = [
        (build(), MAViLStage1()),
        (build(predicts="features"), MAViLStage2(build())),
    ]
    for model, objective in stages:
        objective(model, batch())["loss"].backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().max()) > 0, name


def test_the_teacher_never_learns_and_never_leaves_evaluation() -> None:
    teacher = build()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    student, objective = build(predicts="features"), MAViLStage2(teacher)
    objective.train()
    assert not teacher.training
    optimizer = torch.optim.AdamW(
        [p for p in [*student.parameters(), *objective.parameters()] if p.requires_grad], lr=0.01
    )
    for _ in range(2):
        optimizer.zero_grad()
        objective(student, batch())["loss"].backward()
        optimizer.step()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_the_teacher_is_part_of_a_checkpoint() -> None:
    teacher = build()
    names = MAViLStage2(teacher).state_dict().keys()
    assert {f"teacher.{name}" for name in teacher.state_dict()} == set(names)


def test_a_student_learns_what_the_whole_clip_says_of_a_hidden_token() -> None:
    """The target of a hidden token changes with pixels that the student sees, for the teacher sees all."""
    teacher, given = build().requires_grad_(False), batch()
    taught = teacher.contextualise(given["audio"], given["video"])
    assert {name: value.shape for name, value in taught.items()} == {
        "audio": (4, 16, 64),
        "video": (4, 8, 64),
    }
    for value in taught.values():
        torch.testing.assert_close(value.mean(dim=-1), torch.zeros(value.shape[:2]), rtol=0, atol=1e-5)
        torch.testing.assert_close(
            value.var(dim=-1, correction=0), torch.ones(value.shape[:2]), rtol=0, atol=1e-3
        )
    other = teacher.contextualise(given["audio"] + 1, given["video"])
    assert float((taught["video"] - other["video"]).abs().max()) > 1e-4


@pytest.mark.parametrize("name", ["num_frames", "embed_dim"])
def test_an_unlike_teacher_is_refused_by_name(name: str) -> None:
    teacher = build(**{name: 256 if name == "num_frames" else 128})
    with pytest.raises(BadInputError, match=f"the teacher has {name} {getattr(teacher.settings, name)} and"):
        check_teacher(build(), teacher)


def test_like_teachers_pass() -> None:
    check_teacher(build(predicts="features", fusion_layers=3), build())
