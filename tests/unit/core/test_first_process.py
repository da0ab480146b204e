"""Processes beside this one: who speaks, and who waits."""

import threading

import pytest

from avtool.cli.session import Session
from avtool.core.parallel import is_first_process, one_at_a_time


def test_the_second_waits_until_the_first_is_done(tmp_path):
    order = []

    def second() -> None:
        with one_at_a_time(tmp_path / "thing"):
            order.append("second")

    thread = threading.Thread(target=second)
    with one_at_a_time(tmp_path / "thing"):
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_other_things_do_not_wait(tmp_path):
    with one_at_a_time(tmp_path / "one"), one_at_a_time(tmp_path / "other"):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".one.lock", ".other.lock"]


@pytest.mark.parametrize(("rank", "spoken"), [(None, "out\n"), ("0", "out\n"), ("1", "")])
def test_of_launched_processes_the_first_one_speaks(rank, spoken, monkeypatch, capsys):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    session = Session.from_options(json=False, quiet=False, verbose=0, log_file=None, no_progress=True)
    session.reporter.warn("mind")
    session.emit({"result": 1}, text="out")
    assert is_first_process() == bool(spoken)
    assert capsys.readouterr() == (spoken, "warning: mind\n" if spoken else "")
