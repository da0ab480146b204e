"""The console: what is said at which verbosity, and how progress looks where there is no terminal."""

import avtool.core.console as console_module
from avtool.core.console import ConsoleReporter
from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder


def test_verbosity(capsys):
    for verbosity, expected in (
        (-1, ["warning: w"]),
        (0, ["i", "warning: w"]),
        (1, ["i", "d", "warning: w"]),
    ):
        reporter = ConsoleReporter(verbosity)
        reporter.info("i")
        reporter.detail("d")
        reporter.warn("w")
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines() == expected


def test_errors_are_always_said_with_their_hint(capsys):
    ConsoleReporter(-1).error(BadInputError("no sound in [x]", "try `y`"))
    assert capsys.readouterr().err.splitlines() == ["error: no sound in [x]", "hint: try `y`"]


def test_names_of_others_do_not_steer_the_terminal(capsys, tmp_path):
    ConsoleReporter(log_file=tmp_path / "log.txt").warn("`\x1b[2J\x9b31m` is\there\nfilm")
    line = "warning: `\\x1b[2J\\x9b31m` is"
    assert capsys.readouterr().err.startswith(line)
    assert line in (tmp_path / "log.txt").read_text()


def test_the_log_file_gets_everything(tmp_path):
    log = tmp_path / "logs" / "a.log"
    reporter = ConsoleReporter(-1, log_file=log)
    reporter.detail("deep")
    reporter.warn("careful")
    assert [line.split(" ", 1)[1] for line in log.read_text().splitlines()] == ["deep", "warning: careful"]


def test_lines_instead_of_a_bar_without_a_terminal(capsys, monkeypatch):
    now = iter([0.0, 1.0, 11.0, 12.0])
    monkeypatch.setattr(console_module.time, "monotonic", lambda: next(now))
    with ConsoleReporter().progress("mining", 4) as bar:
        for name in "abc":
            bar.advance(note=name)
    assert capsys.readouterr().err == "mining: 50 % (b)\n"


def test_a_recorder_says_everything_again():
    first, second = Recorder(), Recorder()
    first.info("i")
    first.warn("w")
    first.replay(second)
    assert (second.infos, second.warnings) == (["i"], ["w"])
