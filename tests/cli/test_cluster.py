"""Batches on a Dask cluster of two workers: the results of one machine, whatever becomes of a worker."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from avtool.synthetic.make_film import make_film
from tests.harness import (
    AVTOOL,
    RATE,
    chirp,
    differences,
    environment,
    noise,
    run_avtool,
    save_encoder,
    save_tagger,
    write_sine,
    write_tones,
)
from tests.unit.benchmarks.runner.esc_samples import make_esc10

Client = pytest.importorskip("distributed").Client
pytestmark = pytest.mark.slow
FILMS = 24
FAST = ("--sync", "none", "--no-progress", "-q")
SIDES = ("here", "there")
QUICK = """
command = "finetune"
model = { name = "cnn_tiny" }
data = { task = "single-label", audio = { num_mel_bins = 32, hop_ms = 40.0, window_ms = 80.0 } }
loop = { max_steps = 4, batch_size = 16, workers = 0, tensorboard = false }
"""
TIMED = {"film.json", "report.json", "report.html"}
"""Files of a mined dataset that hold seconds of work."""


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for seed in range(FILMS):
        make_film(folder, seed=seed, minutes=0.3, name=f"film{seed:02d}", video="none", style="netflix")
    return folder


class Cluster:
    """A scheduler and workers, each a process of its own on the loopback device."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._file, self._folder = folder / "scheduler.json", folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        while not self._file.is_file():
            assert self._processes[0].poll() is None
            time.sleep(0.1)
        self.address = str(json.loads(self._file.read_text())["address"])

    def _start(self, what: str, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", str(self._file), *options]
        variables = {"OMP_NUM_THREADS": "1", **variables}
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, env=environment(**variables)
            )
        self._processes.append(process)
        return process

    @contextmanager
    def client(self) -> Iterator[Client]:
        with Client(self.address, set_as_default=False) as client:
            yield client

    def add(self, name: str, **variables: str) -> subprocess.Popen[bytes]:
        """Starts a worker and waits until the scheduler has it."""
        process = self._start(
            "worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name, **variables
        )
        with self.client() as client:
            deadline = time.monotonic() + 90
            while name not in self.names(client):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        return process

    @staticmethod
    def names(client: Client) -> dict[str, str]:
        """Name → address of the workers."""
        return {str(one["name"]): address for address, one in client.scheduler_info(-1)["workers"].items()}

    def kill_while_it_works(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Kills a worker as soon as it has a task."""
        with self.client() as client:
            address = self.names(client)[name]
            deadline = time.monotonic() + 120
            while not client.processing().get(address):
                if time.monotonic() > deadline:
                    return
                time.sleep(0.01)
            process.kill()
            process.wait()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("cluster") / "logs")
    try:
        running.add("one")
        running.add("two")
        yield running
    finally:
        running.close()


def different(ours: Path, theirs: Path) -> list[str]:
    return [name for name in differences(ours, theirs) if Path(name).name not in TIMED]


def test_a_worker_killed_in_the_middle_leaves_the_mined_dataset_of_one_machine(films, cluster, tmp_path):
    victim = cluster.add("miner")
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
    victim.kill()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr.decode()
    assert stderr == b""
    assert different(out, tmp_path / "local") == []
    assert sum(path.suffix == ".wav" for path in out.rglob("*")) > FILMS


@pytest.fixture(scope="module")
def material(films, tmp_path_factory) -> Path:
    """Media of which one file is damaged, a classifier, an encoder, and a mined dataset with its export."""
    folder = tmp_path_factory.mktemp("material")
    for number in range(7):
        write_sine(folder / "media" / f"{number}.wav", 0.8 + number / 10, 0.1 + number / 20)
    (folder / "media" / "bad.wav").write_bytes(b"no audio")
    save_tagger(folder / "model")
    save_encoder(folder / "encoder")
    (folder / "phrases.csv").write_text("label,phrase,kind\nbell,bell rings,event\ndog,dog barks,event\n")
    few = [films / f"film{number:02d}.mkv" for number in range(8)]
    assert run_avtool("mine-subtitles", *few, "--out", folder / "mined", *FAST).code == 0
    assert run_avtool("export", folder / "mined", "--to", "hf", "--out", folder / "x", "-q").code == 0
    return folder


def command_of(verb: str, material: Path, films: Path) -> tuple[object, ...]:
    media, model = material / "media", ("--model", material / "model", "--device", "cpu")
    return {
        "embed": ("embed", media, "--encoder", material / "encoder", "--device", "cpu"),
        "predict": ("predict", media, *model, "--events"),
        "caption": ("caption", media, *model, "--phrases", material / "phrases.csv", "--no-preview"),
        "rebuild": ("rebuild", material / "x", "--films", films),
        "eval": (
            "eval", "--benchmark", "caption-sync", "--set", "films=2", "--set", "minutes=5",
            "--set", "wrong_films=3", "--set", "peers=false",
        ),
    }[verb]  # fmt: skip


def outcome(path: Path) -> object:
    """What a command wrote, without seconds."""
    if path.is_file():
        return path.read_bytes()
    if not (path / "metrics.json").is_file():
        names = sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file())
        return {n: (path / n).read_bytes() for n in names if Path(n).name not in {"artifact.json", *TIMED}}
    metrics = json.loads((path / "metrics.json").read_text())
    return json.loads(
        json.dumps(metrics), object_hook=lambda o: {k: v for k, v in o.items() if "per_" not in k}
    )


@pytest.mark.parametrize("verb", ["embed", "predict", "caption", "rebuild", "eval"])
def test_a_worker_killed_at_work_leaves_the_result_of_one_machine(verb, films, material, cluster, tmp_path):
    command = command_of(verb, material, films)
    here = run_avtool(*command, "--out", tmp_path / "here", "-q")
    assert here.code == (0 if verb in {"rebuild", "eval"} else 1), here.stderr  # of the damaged file
    victim = cluster.add(f"victim of {verb}")
    killer = threading.Thread(target=cluster.kill_while_it_works, args=(f"victim of {verb}", victim))
    killer.start()
    there = run_avtool(*command, "--out", tmp_path / "there", "-q", *on(cluster))
    killer.join()
    assert victim.returncode == -signal.SIGKILL, "it had a task when it was killed"
    assert there.code == here.code, there.stderr
    assert outcome(tmp_path / "here") == outcome(tmp_path / "there")


@pytest.fixture
def at_work(cluster: Cluster) -> Iterator[None]:
    """Makes sure that the workers of the cluster were given tasks."""

    def done() -> int:
        with cluster.client() as client:
            return sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values())

    before = done()
    yield
    assert done() > before


def test_prepare_on_a_cluster_writes_the_dataset_of_one_machine(cluster, at_work, tmp_path, monkeypatch):
    media = write_tones(tmp_path / "tones", train=20, val=4)
    (media / "train" / "low" / "bad.wav").write_bytes(b"no audio")
    for name, engine in (("here", ("--jobs", 2)), ("there", on(cluster))):
        monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / f"cache of {name}"))
        done = run_avtool("prepare", media, "--out", tmp_path / name, "-q", *engine)
        assert done.code == 1, done.stderr  # of the damaged file
    assert outcome(tmp_path / "here") == outcome(tmp_path / "there")


def test_folds_trained_on_a_cluster_give_the_predictions_of_one_machine(
    cluster, at_work, tmp_path, monkeypatch
):
    esc = make_esc10(tmp_path / "esc10")
    for path in (esc / "audio").glob("*.ogg"):
        target, take = int(path.stem.rpartition("-")[2]), int(path.stem.split("-")[1])
        soundfile.write(
            path, chirp(0.3, gain=0.1 + 0.04 * target) + noise(0.3, seed=take), RATE, format="OGG"
        )
    (tmp_path / "quick.toml").write_text(QUICK)
    command = ("eval", "--benchmark", "esc10", "--data", esc, "--training", tmp_path / "quick.toml", "-q")
    command += ("--device", "cpu", "--folds", "1,2", "--set", "baselines=false")
    for name, engine in (("here", ("--jobs", 2)), ("there", (*on(cluster), "--jobs", 2))):
        monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / f"cache of {name}"))
        runs = ("--runs", tmp_path / f"runs {name}")
        done = run_avtool(*command, *runs, "--out", tmp_path / name, *engine)
        assert done.code == 0, done.stderr
    assert outcome(tmp_path / "here") == outcome(tmp_path / "there")
    here, there = (sorted((tmp_path / f"runs {name}").glob("*/model/model.safetensors")) for name in SIDES)
    assert [path.read_bytes() for path in here] == [path.read_bytes() for path in there]
    assert len(here) == 2


def on(cluster: Cluster) -> tuple[str, ...]:
    return ("--engine", "dask", "--scheduler", cluster.address)


@pytest.mark.parametrize("verb", ["predict", "caption", "embed"])
def test_shards_on_a_cluster_are_joined_to_the_result_of_one_machine(
    verb, films, material, cluster, tmp_path
):
    command = command_of(verb, material, films)
    assert run_avtool(*command, "--out", tmp_path / "whole", "-q").code == 1
    parts = [tmp_path / f"part{number}" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        done = run_avtool(*command, "--out", part, "--shard", f"{number}/2", "-q", *on(cluster))
        assert done.code in {0, 1}, done.stderr
    merged = run_avtool("merge", *parts, "--out", tmp_path / "merged", "-q")
    assert merged.code == 1, merged.stderr
    assert outcome(tmp_path / "merged") == outcome(tmp_path / "whole")


def test_machines_without_this_avtool_are_one_line(films, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "sitecustomize.py").write_text(
        "import avtool.core.version as v; v.__version__ = '0.0.1'"
    )
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "sitecustomize.py").write_text("import sys; sys.modules['avtool'] = None")
    running = Cluster(tmp_path / "logs")
    try:
        for name, reason in (("old", "has avtool 0.0.1"), ("none", "has no avtool")):
            worker = running.add(name, PYTHONPATH=str(tmp_path / name))
            done = run_avtool(
                "mine-subtitles", films / "film00.mkv", "--out", tmp_path / "out", *FAST, *on(running)
            )
            assert done.code == 3
            assert reason in done.stderr
            assert done.stderr.count("\n") == 2
            worker.kill()
            worker.wait()
    finally:
        running.close()
