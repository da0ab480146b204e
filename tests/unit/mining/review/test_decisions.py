"""Decisions laid over each other, undone and redone; their journal after crashes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.mining.review.decisions import Decision, decision_of, fold, touched_events, undo_stacks
from avtool.mining.review.journal import Journal, lines_path, read_decisions
from tests.harness import environment


def decide(operation: str, event: str = "f/1", reviewer: str = "ada", **changes) -> Decision:
    return Decision(operation, event, reviewer=reviewer, **changes)


def undo(operation: str, undoes: str, reviewer: str = "ada") -> Decision:
    return Decision(operation, action="undo", undoes=undoes, reviewer=reviewer)


def test_a_decision_keeps_what_it_does_not_set():
    rows = [
        decide("a", sounds=("bark",), verdict="accepted"),
        decide("b", reviewer="ben", start=2.0, end=3.0),
        decide("c", text="dog barks"),
    ]
    found = fold(rows)["f/1"]
    assert (found.sounds, found.start, found.end, found.text) == (("bark",), 2.0, 3.0, "dog barks")
    assert found.verdict == "accepted"
    assert found.reviewer == "ada"


def test_decisions_on_an_earlier_caption_leave_nothing_on_a_later_one():
    rows = [
        decide("a", tag="[barks]", start=2.0, end=3.0, sounds=("bark",), verdict="accepted"),
        decide("b", tag="[slams]", verdict="accepted"),
        decide("c", tag="[slams]", end=9.0),
    ]
    found = fold(rows)["f/1"]
    assert (found.start, found.end, found.sounds, found.verdict) == (None, 9.0, None, "accepted")


def test_an_undo_is_undone_by_a_redo_and_that_by_an_undo():
    rows = [decide("a", verdict="accepted"), decide("b", verdict="rejected")]
    assert fold(rows)["f/1"].verdict == "rejected"
    rows.append(undo("u1", "b"))
    assert fold(rows)["f/1"].verdict == "accepted"
    assert undo_stacks(rows, "ada").done == ("a",)
    assert undo_stacks(rows, "ada").undone == (("u1", "b"),)
    rows.append(undo("r1", "u1"))
    assert fold(rows)["f/1"].verdict == "rejected"
    rows.append(undo("u2", "b"))
    assert fold(rows)["f/1"].verdict == "accepted"
    assert undo_stacks(rows, "ada").undone == (("u2", "b"),)
    assert touched_events(rows, 4) == ["f/1"]
    assert undo_stacks([*rows, decide("c")], "ada").undone == ()


def test_rows_of_one_operation_are_undone_together():
    rows = [decide("s", "f/1", end=1.0), decide("s", "f/1+2", start=1.0, parent="f/1"), undo("u", "s")]
    assert fold(rows[:2]).keys() == {"f/1", "f/1+2"}
    assert fold(rows) == {}
    assert touched_events(rows, 2) == ["f/1", "f/1+2"]


@given(st.lists(st.sampled_from(["accepted", "rejected", "undo", "redo"]), max_size=40))
def test_undo_and_redo_are_those_of_an_editor(steps: list[str]):
    rows: list[Decision] = []
    past, future = [], []  # verdicts as an editor's two stacks hold them
    for number, step in enumerate(steps):
        stacks = undo_stacks(rows, "ada")
        assert (len(stacks.done), len(stacks.undone)) == (len(past), len(future))
        if step == "undo" and past:
            rows.append(undo(str(number), stacks.done[-1]))
            future.append(past.pop())
        elif step == "redo" and future:
            rows.append(undo(str(number), stacks.undone[-1][0]))
            past.append(future.pop())
        elif step in {"accepted", "rejected"}:
            rows.append(decide(str(number), verdict=step))
            past.append(step)
            future.clear()
        found = fold(rows).get("f/1")
        assert (found.verdict if found else None) == (past[-1] if past else None)


def test_reviewers_undo_their_own_decisions_only():
    rows = [decide("a", verdict="accepted"), decide("b", reviewer="ben", verdict="rejected")]
    assert undo_stacks(rows, "ada").done == ("a",)
    assert undo_stacks(rows, "ben").done == ("b",)
    assert undo_stacks(rows, "eve").done == ()


ROWS = [
    decide(
        "a", verdict="accepted", sounds=("bark", "howl"), sources=(), start=1.5, end=2.5, text="ä “quoted”"
    ),
    decide(
        "b", "f/2", verdict="", action="clear", tag="[x]", seconds=1.25, time="2026-01-01T00:00:00.000+00:00"
    ),
    undo("u", "a"),
]


def test_a_journal_is_read_as_it_was_written(tmp_path: Path):
    path = tmp_path / "review.parquet"
    journal = Journal(path)
    journal.append(ROWS[:1])
    journal.append(ROWS[1:])
    assert read_decisions(path) == ROWS  # while it is open
    journal.close()
    assert not lines_path(path).exists()
    assert read_decisions(path) == ROWS
    again = Journal(path)
    again.append([decide("c", verdict="rejected")])
    again.close()
    assert [row.operation for row in read_decisions(path)] == ["a", "b", "u", "c"]


def test_a_line_that_was_cut_off_was_never_acknowledged(tmp_path: Path):
    path = tmp_path / "review.parquet"
    lines = [json.dumps(row.to_dict()) for row in ROWS]
    lines_path(path).write_text("\n".join(lines)[:-5], encoding="utf-8")
    assert read_decisions(path) == ROWS[:2]
    journal = Journal(path)
    journal.append([decide("c")])
    journal.close()
    assert [row.operation for row in read_decisions(path)] == ["a", "b", "c"]


def test_rows_count_once_after_a_crash_between_the_two_files(tmp_path: Path):
    path = tmp_path / "review.parquet"
    journal = Journal(path)
    journal.append(ROWS)
    text = lines_path(path).read_bytes()
    journal.close()
    lines_path(path).write_bytes(text)  # as if the process had died before it emptied the lines
    assert read_decisions(path) == ROWS


KILLED = """
import sys
from pathlib import Path
from avtool.mining.review.decisions import Decision
from avtool.mining.review.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(100000):
    journal.append([Decision(str(number), f"f/{number}", verdict="accepted")])
    print(number, flush=True)
"""


def test_a_killed_process_loses_no_acknowledged_decision(tmp_path: Path):
    path = tmp_path / "review.parquet"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True, env=environment()
    )
    for _ in range(30):
        process.stdout.readline()
    process.kill()
    acknowledged = [int(line) for line in process.stdout.read().split("\n") if line]
    process.wait()
    process.stdout.close()
    rows = read_decisions(path)
    assert len(rows) >= max([29, *acknowledged]) + 1
    assert [row.operation for row in rows] == [str(number) for number in range(len(rows))]


def test_one_process_writes_a_journal(tmp_path: Path):
    path = tmp_path / "review.parquet"
    first = Journal(path)
    with pytest.raises(BadInputError, match="another `avtool review` writes"):
        Journal(path)
    first.close()
    Journal(path).close()


def test_damage_and_other_files_are_named(tmp_path: Path):
    path = tmp_path / "review.parquet"
    with pytest.raises(BadInputError, match="does not exist"):
        read_decisions(path)
    path.write_bytes(b"PAR1 is not all")
    with pytest.raises(CorruptArtifactError, match="not a Parquet file"):
        read_decisions(path)
    path.unlink()
    lines_path(path).write_text('{"operation": "a", "action": "accept", "start": "soon"}\n')
    with pytest.raises(CorruptArtifactError, match="line 1: start is no number"):
        read_decisions(path)
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"operation": ["a"]}), path)
    lines_path(path).unlink()
    with pytest.raises(CorruptArtifactError, match="is no review"):
        read_decisions(path)


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "review.parquet"
    journal = Journal(path)
    journal.append(ROWS[:1])
    write, many = os.write, []

    def half(handle: int, content: memoryview) -> int:
        many.append(1)
        if len(many) > 1:
            raise OSError(28, "No space left on device")
        return write(handle, content[:7])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(BadInputError, match="disk is full"):
        journal.append(ROWS[1:])
    monkeypatch.undo()
    assert read_decisions(path) == ROWS[:1] == journal.rows
    journal.close()


@pytest.mark.parametrize(
    "values",
    [
        {}, {"operation": "a", "action": "burn"}, {"operation": "a", "verdict": "maybe"},
        {"operation": "a", "sounds": "bark"}, {"operation": "a", "sounds": [1]}, {"operation": 3},
        {"operation": "a", "end": float("nan")},
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused(values: dict):
    with pytest.raises(ValueError, match=r".+"):
        decision_of(values)
