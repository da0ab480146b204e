import json

import pytest

from avtool.cli.main import run
from avtool.core.errors import ExitCode
from avtool.models.registry import MODELS


def test_a_broken_package_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    MODELS.names()
    monkeypatch.setitem(MODELS._broken, "passt", "`passt_avtool`: ModuleNotFoundError: no module")
    assert run(["doctor", "--json"]) == ExitCode.MISSING
    captured = capsys.readouterr()
    checks = {check["name"]: check for check in json.loads(captured.out)["checks"]}
    assert checks["models"]["value"].endswith(" registered")
    assert not checks["model passt"]["ok"]
    (line,) = [line for line in captured.err.splitlines() if "passt" in line]
    assert "ModuleNotFoundError" in line
    assert "group avtool.models" in line
    assert run(["models", "list"]) == 0
    assert run(["models", "show", "passt_base"]) == ExitCode.MISSING
