"""`avtool caption --watch` and `mine-subtitles --watch`: films that come while the command runs; kills."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from avtool.core.artifact import verify
from avtool.core.artifact_folder import partial_folder
from avtool.core.errors import ExitCode
from avtool.core.reporter import Recorder
from avtool.core.writers import lock_folder, release_folder
from avtool.jobs.watch import WatchedVerb, watch
from avtool.mining.film_record import read_record
from avtool.mining.pairing import AUTO, FilmPair
from tests.harness import AVTOOL, environment, run_avtool, write_grey_film

EVENTS = "start,end,phrase\n0.2,0.9,door slams\n"
SRT = "1\n00:00:00,200 --> 00:00:00,900\n[DOOR SLAMS]\n"
QUICK = ("--settle", "0.2", "--no-progress")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_grey_film(tmp_path_factory.mktemp("film") / "film.mkv", 1.0, fps=5)


class Watching:
    """A command that watches `folder`, in a process of its own; its talk is appended to `log`."""

    def __init__(self, root: Path, verb: str) -> None:
        self.folder, self.out, self.log = root / "films", root / "out", root / "log.txt"
        self.folder.mkdir()
        (root / "events.csv").write_text(EVENTS, encoding="utf-8")
        more = {
            "caption": ("--model", root / "events.csv", "--no-preview", "--format", "vtt"),
            "mine-subtitles": ("--sync", "none", "--format", "none"),
        }[verb]
        line = [*AVTOOL, verb, "--watch", self.folder, "--out", self.out, *more, *QUICK]
        self.line = [*map(str, line)]
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.line, stderr=log, stdout=log, env=environment())

    def end(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(120)

    def drop(self, film: Path, name: str, captions: str = SRT) -> None:
        """Copies a film with its captions into the folder, as a slow copy would: in two parts."""
        target = self.folder / name
        target.parent.mkdir(exist_ok=True)
        target.with_suffix(".srt").write_text(captions, encoding="utf-8")
        content = film.read_bytes()
        with target.open("wb") as stream:
            stream.write(content[:1000])
            stream.flush()
            stream.write(content[1000:])

    def done(self) -> Counter:
        """How often the log says of each film that it is done."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line.removeprefix("done: ") for line in lines if line.startswith("done: "))

    def wait(self, ready: Callable[[], bool], seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, self.log.read_text()
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)

    def finished(self, verb: str) -> set[str]:
        """The films in the artifact."""
        if verb == "caption":
            return {path.name.removesuffix(".en-sdh.vtt") for path in self.out.glob("*.vtt")}
        return {path.name for path in self.out.glob("clips/*") if read_record(path)}


@pytest.fixture(params=["caption", "mine-subtitles"])
def verb(request: pytest.FixtureRequest) -> str:
    return request.param


def test_films_are_done_as_they_come_and_a_bad_one_once(verb: str, film: Path, tmp_path: Path) -> None:
    watching = Watching(tmp_path, verb)
    watching.drop(film, "first.mkv")
    watching.start()
    watching.wait(lambda: watching.done()["first.mkv"] == 1)
    (tmp_path / "bad").write_bytes(b"no film at all" * 200)
    watching.drop(tmp_path / "bad", "bad.mkv")
    watching.drop(film, "series/second.mkv")
    watching.wait(lambda: watching.done()["series/second.mkv"] == 1)
    failed = tmp_path / "out.failed.csv"
    watching.wait(failed.is_file)
    assert watching.end(signal.SIGTERM) == ExitCode.TERMINATED
    assert watching.finished(verb) == {"first", "series_second"}
    assert verify(watching.out) == []
    watching.start()  # the bad film is not tried again, nor are the others done again
    watching.drop(film, "third.mkv")
    watching.wait(lambda: watching.done()["third.mkv"] == 1)
    assert watching.log.read_text().count("failed: ") == 1
    watching.drop(film, "bad.mkv")  # and now it is a film
    watching.wait(lambda: watching.done()["bad.mkv"] == 1)
    assert watching.end(signal.SIGINT) == ExitCode.INTERRUPTED
    assert set(watching.done().values()) == {1}
    assert watching.finished(verb) == {"first", "series_second", "third", "bad"}
    assert not failed.exists()
    assert "repeat the command" in watching.log.read_text()


@pytest.mark.slow
def test_200_films_and_kills(verb: str, film: Path, tmp_path: Path) -> None:
    draw = random.Random(0)
    watching = Watching(tmp_path, verb)
    names = [f"film{number:03}.mkv" for number in range(200)]
    kills = 0
    watching.start()
    for number, name in enumerate(names):
        watching.drop(film, name)
        time.sleep(draw.expovariate(5))
        if number % 20 == 10:
            before = len(watching.done())
            watching.wait(lambda least=before: len(watching.done()) > least)
            time.sleep(draw.uniform(0, 2))
            assert watching.end(signal.SIGKILL) == -signal.SIGKILL
            kills += 1
            watching.start()
    stems = {Path(name).stem for name in names}
    watching.wait(lambda: watching.finished(verb) == stems, 400)
    watching.wait(lambda: not (tmp_path / "out.partial").exists(), 60)
    assert watching.end(signal.SIGINT) == ExitCode.INTERRUPTED
    done = watching.done()
    assert max(done.values()) == 1
    # a kill between the publication and the line is the one way to lose a line
    assert len(done) >= len(names) - 20 * kills
    assert verify(watching.out) == []
    if verb == "caption":
        (events,) = [json.loads((watching.out / "events.json").read_text())["films"]]
        assert len(events) == 200
        assert all(len(one["events"]) == 1 for one in events)
    else:
        rows = (watching.out / "events.csv").read_text().splitlines()
        assert len(rows) == 201
        mined = [line for line in watching.log.read_text().splitlines() if "(mined;" in line]
        assert len(mined) == len(set(mined)) <= 200


def test_watching_goes_without_films(verb: str, film: Path, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    model = ["--model", tmp_path / "events.csv"] if verb == "caption" else []
    out = tmp_path / "out"
    done = run_avtool(verb, film, "--watch", tmp_path / "films", *model, "--out", out)
    assert (done.code, "--watch goes without films" in done.stderr) == (ExitCode.BAD_INPUT, True)
    done = run_avtool(verb, "--watch", tmp_path / "none", *model, "--out", out)
    assert (done.code, "is no folder" in done.stderr) == (ExitCode.BAD_INPUT, True)


def test_a_second_watcher_is_refused_and_the_first_goes_on(film: Path, tmp_path: Path) -> None:
    watching = Watching(tmp_path, "caption")
    watching.start()
    watching.wait(lambda: watching.log.exists() and "watching `" in watching.log.read_text())
    done = run_avtool(*watching.line[len(AVTOOL) :])
    assert (done.code, "another command watches" in done.stderr) == (ExitCode.BAD_INPUT, True)
    watching.drop(film, "a.mkv")
    watching.wait(lambda: watching.done()["a.mkv"] == 1)
    assert watching.end(signal.SIGKILL) == -signal.SIGKILL
    watching.start()  # the lock has ended with its process
    watching.drop(film, "b.mkv")
    watching.wait(lambda: watching.done()["b.mkv"] == 1)
    assert watching.end(signal.SIGTERM) == ExitCode.TERMINATED


def test_one_writer_beside_the_watcher(film: Path, tmp_path: Path) -> None:
    watching = Watching(tmp_path, "caption")
    watching.start()
    watching.wait(lambda: watching.log.exists() and "watching `" in watching.log.read_text())
    once = run_avtool("caption", film, "--model", tmp_path / "events.csv", "--out", watching.out, "-q")
    assert (once.code, once.stderr.splitlines()[0]) == (
        ExitCode.BAD_INPUT,
        f"error: another command watches a folder for `{watching.out}`, and writes it",
    )
    partial = partial_folder(watching.out)
    lock_folder(partial)  # a command that had begun before it
    watching.drop(film, "a.mkv")
    watching.wait(lambda: "is writing" in watching.log.read_text())
    partial.rmdir()
    release_folder(partial)
    watching.wait(lambda: watching.done()["a.mkv"] == 1)
    assert watching.log.read_text().count("waiting until it is done") == 1
    assert watching.end(signal.SIGTERM) == ExitCode.TERMINATED
    assert watching.finished("caption") == {"a"}


def test_a_film_of_another_number_than_before_is_in_the_dataset_once(film: Path, tmp_path: Path) -> None:
    watching = Watching(tmp_path, "mine-subtitles")
    watching.drop(film, "series/pilot.mkv")
    watching.drop(film, "series_pilot.mkv", SRT.replace("DOOR SLAMS", "DOG BARKS"))
    watching.start()
    watching.wait(lambda: len(watching.done()) == 2)
    (watching.folder / "series" / "pilot.mkv").unlink()
    watching.drop(film, "other.mkv")
    watching.wait(lambda: watching.done()["other.mkv"] == 1)
    assert watching.end(signal.SIGTERM) == ExitCode.TERMINATED
    records = [read_record(path) for path in watching.out.glob("clips/*")]
    assert sorted(Path(record.film).name for record in records if record) == ["other.mkv", "series_pilot.mkv"]


class _EndedError(Exception):
    pass


def test_a_folder_of_no_access_is_skipped_with_a_warning(film: Path, tmp_path: Path, monkeypatch) -> None:
    folder, closed = tmp_path / "films", tmp_path / "films" / "lost+found"
    closed.mkdir(parents=True)
    shutil.copy(film, folder / "a.mkv")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def run(pairs: Sequence[FilmPair]) -> dict[str, str]:
        raise _EndedError([pair.film.name for pair in pairs])

    monkeypatch.setattr(os, "scandir", refuse)
    verb = WatchedVerb(lambda name, path: FilmPair(name, path, AUTO), lambda pair: False, run)
    reporter = Recorder()
    with pytest.raises(_EndedError, match=r"a\.mkv"):
        watch(folder, tmp_path / "out", verb, reporter, settle=0.2)
    assert [line for line in reporter.warnings if "lost+found" in line and "is skipped" in line]
    assert len(reporter.warnings) == 1


def test_other_settings_end_the_command(film: Path, tmp_path: Path) -> None:
    films, out = tmp_path / "films", tmp_path / "out"
    films.mkdir()
    shutil.copy(film, films / "a.mkv")
    table = tmp_path / "events.csv"
    table.write_text(EVENTS, encoding="utf-8")
    assert run_avtool("caption", films, "--model", table, "--out", out, "--no-preview").code == 0
    line = ["caption", "--watch", films, "--model", table, "--out", out, "--style", "bbc", *QUICK]
    done = run_avtool(*line)
    assert (done.code, "other settings" in done.stderr) == (ExitCode.BAD_INPUT, True)
    assert not os.path.lexists(tmp_path / "out.failed.csv")
