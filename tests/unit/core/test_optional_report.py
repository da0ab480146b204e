"""A report that cannot be drawn is a warning: names of classes are no formulas, and results are kept."""

import errno
from pathlib import Path

import pytest

from avtool.core.errors import DiskFullError
from avtool.core.report.figures import drawing, svg
from avtool.core.report.page import optional_report, prose
from avtool.core.reporter import Recorder
from tests.harness import call, write_sine

NAMES = ["$", "$x_{$", "a$b$c\\frac", "</svg>", "\\", "%s", "{{ name }}", "\x07", "\ud83d\udc36 dog", "_^"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_any_name_is_drawn_as_it_is(name: str) -> None:
    with drawing(4, 2) as figure:
        axes = figure.subplots()
        axes.barh([name.encode("utf-16", "surrogatepass").decode("utf-16")], [1])
        axes.set_title(name.encode("utf-16", "surrogatepass").decode("utf-16"))
        assert "</svg>" in svg(figure)


@pytest.mark.parametrize(
    "error", [ValueError("x\ny"), RuntimeError(), KeyError("a"), OSError(errno.ENOENT, "")]
)
def test_a_failure_is_a_warning(error: Exception) -> None:
    recorder = Recorder()
    with optional_report(recorder):
        raise error
    (warning,) = recorder.warnings
    assert "the report cannot be drawn" in warning
    assert "\n" not in warning


def test_a_full_disk_is_none() -> None:
    for error in (OSError(errno.ENOSPC, "full"), DiskFullError("full")):
        with pytest.raises(DiskFullError), optional_report(Recorder()):
            raise error


def test_a_training_with_such_classes_ends_well(tmp_path: Path) -> None:
    for label in ("$", "a$b$c\\frac{", "%s_^"):
        for number in range(2):
            write_sine(tmp_path / "sounds" / label / f"{number}.wav")
    assert call("prepare", tmp_path / "sounds", "--split", "0.5,0.5,0", "--out", tmp_path / "data", "-q") == 0
    run = tmp_path / "run"
    arguments = ("--model", "cnn_tiny", "--epochs", 1, "--device", "cpu", "--out", run, "-q")
    assert call("finetune", tmp_path / "data", *arguments) == 0
    assert "frac{" in (run / "report.html").read_text()


def test_prose_is_escaped_and_names_are_code():
    found = prose("`a<b` lasts 1.5 – 3 s, <b>all</b> of 2 stages; `open")
    assert found == (
        "<code>a&lt;b</code> lasts 1.5\N{NO-BREAK SPACE}– 3\N{NO-BREAK SPACE}s,"
        " &lt;b&gt;all&lt;/b&gt; of 2 stages; `open"
    )
