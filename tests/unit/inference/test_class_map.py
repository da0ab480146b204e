"""Class maps: their file, and what they make of logits."""

from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.inference.class_map import map_outputs, read_class_map
from avtool.inference.outputs import OutputSpec

LABELS = ("Dog", "Bark", "Rain", "Speech")


def mapped(tmp_path: Path, text: str, outputs: OutputSpec) -> OutputSpec:
    path = tmp_path / "map.toml"
    path.write_text(text)
    return map_outputs(outputs, read_class_map(path), path)


def test_classes_apart_have_the_likeliest_member(tmp_path: Path) -> None:
    outputs = mapped(
        tmp_path, 'dog = ["Dog", "Bark"]\nrain = "Rain"', OutputSpec("multi-label", LABELS, (4,))
    )
    assert outputs.labels == ("dog", "rain")
    logits = np.array([[0, 2, 1, 9], [3, -1, 0, 0]], np.float32)
    assert outputs.of_network(logits).tolist() == [[2, 1], [3, 0]]
    assert outputs.probabilities(outputs.of_network(logits)).shape == (2, 2)


def test_classes_that_exclude_each_other_are_added(tmp_path: Path) -> None:
    plain = OutputSpec("single-label", LABELS, (4,))
    outputs = mapped(tmp_path, 'dog = ["Dog", "Bark"]\nrest = ["Rain", "Speech"]', plain)
    logits = np.array([[0.1, 2, 1, -1]], np.float32)
    whole = plain.probabilities(logits)[0]
    wanted = [whole[0] + whole[1], whole[2] + whole[3]]
    np.testing.assert_allclose(outputs.probabilities(outputs.of_network(logits))[0], wanted, rtol=1e-6)


def test_without_a_map_logits_stay() -> None:
    logits = np.ones((2, 4), np.float32)
    assert OutputSpec("multi-label", LABELS, (4,)).of_network(logits) is logits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('dog = ["Dgo"]', "the model has no class `Dgo` for `dog`"),
        ("dog = []", "`dog` is mapped to no class"),
        ("dog = 3", "`dog` is mapped to no class"),
        ("[dog]\na = 1", "`dog` is mapped to no class"),
        ("", "is empty"),
        ("dog = [", "map.toml"),
    ],
)
def test_a_wrong_map_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        mapped(tmp_path, text, OutputSpec("multi-label", LABELS, (4,)))


def test_verbs_and_nouns_are_not_mapped(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="one set of classes"):
        mapped(tmp_path, 'dog = "Dog"', OutputSpec("verb-noun", LABELS, (2, 2)))
