"""Batches on a Dask cluster of two workers: the results of one machine, whatever becomes of a worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from avtool.synthetic.make_film import make_film
from tests.harness import (
    AVTOOL,
    differences,
    environment,
    run_avtool,
    run_avtool_apart,
    save_encoder,
    write_sine,
)

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow
FILMS = 24
FAST = ("--sync", "none", "--no-progress", "-q")
TIMED = {"film.json", "report.json", "report.html"}
"""Files of a mined dataset that hold seconds of work."""


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for seed in range(FILMS):
        make_film(folder, seed=seed, minutes=0.3, name=f"film{seed:02d}", video="none", style="netflix")
    return folder


class Cluster:
    """A scheduler and two workers, each a process of its own on the loopback device."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._folder = folder
        self._processes = [
            self._start(
                "scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"
            )
        ]
        self.workers = [
            self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name)
            for name in ("one", "two")
        ]
        self._processes += self.workers
        self.address = self._address()

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", str(self._file), *options]
        with (self._folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, env=environment(OMP_NUM_THREADS="1")
            )

    def _address(self) -> str:
        from distributed import Client

        deadline = time.monotonic() + 90
        while not self._file.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        with Client(scheduler_file=str(self._file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=90)
            return str(client.scheduler.address)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    running = Cluster(tmp_path / "cluster")
    yield running
    running.close()


def different(ours: Path, theirs: Path) -> list[str]:
    return [name for name in differences(ours, theirs) if Path(name).name not in TIMED]


def test_a_worker_killed_in_the_middle_leaves_the_result_of_one_machine(films, cluster, tmp_path):
    local = run_avtool("mine-subtitles", films, "--out", tmp_path / "local", *FAST, "--jobs", 2)
    assert local.code == 0, local.stderr
    out = tmp_path / "cluster-out"
    command = [*AVTOOL, "mine-subtitles", str(films), "--out", str(out), *FAST, "--json"]
    command += ["--engine", "dask", "--scheduler", cluster.address]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    clips = out.with_name("cluster-out.partial") / "clips"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(clips.glob("film*"))) < FILMS // 4:
        time.sleep(0.005)
    done = len(list(clips.glob("film*")))
    assert FILMS // 4 <= done < FILMS, done
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr.decode()
    assert stderr == b""
    assert different(out, tmp_path / "local") == []
    assert sum(path.suffix == ".wav" for path in out.rglob("*")) > FILMS


def test_features_predictions_captions_and_clips_are_those_of_one_machine(films, cluster, tmp_path):
    on_dask = ("--engine", "dask", "--scheduler", cluster.address)
    for number in range(5):
        write_sine(tmp_path / "media" / f"{number}.wav", 0.4 + number / 10)
    (tmp_path / "media" / "bad.wav").write_bytes(b"no audio")
    save_encoder(tmp_path / "encoder")
    few = [films / f"film{number:02d}.mkv" for number in range(3)]
    assert run_avtool("mine-subtitles", *few, "--out", tmp_path / "mined", *FAST).code == 0
    assert run_avtool("export", tmp_path / "mined", "--to", "hf", "--out", tmp_path / "x", "-q").code == 0
    for options, name in (((), "here"), (on_dask, "there")):
        table = tmp_path / f"{name}.parquet"
        embed = ("embed", tmp_path / "media", "--encoder", tmp_path / "encoder", "--out", table)
        assert run_avtool_apart(*embed, *options, "-q").code == 1  # of the damaged file
        rebuild = ("rebuild", tmp_path / "x", "--films", films, "--out", tmp_path / name)
        done = run_avtool_apart(*rebuild, *options, "-q")
        assert done.code == 0, done.stderr
    assert (tmp_path / "here.parquet").read_bytes() == (tmp_path / "there.parquet").read_bytes()
    assert different(tmp_path / "here", tmp_path / "there") == []
