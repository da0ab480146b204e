"""Long work: wall time, and the largest memory within each third of it, worker processes included.

2,000 clips prepared, learned from, predicted and embedded; 500 films, half of them bad; a film of three
hours; a disk that fills while films are mined. A row each; what is lost is printed below its row.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from avtool.core.artifact import verify
from avtool.synthetic.make_film import make_film
from tests.harness import AVTOOL, class_tone, environment, write_grey_film, write_wav

CLIPS, FILMS = 2000, 500
PERIOD_S = 0.2
QUIET = ("-q", "--no-progress")
CPU = ("--device", "cpu")


@dataclass(frozen=True)
class Watched:
    """A command that has ended: exit code, wall seconds, MiB in each third of them, standard error."""

    code: int
    seconds: float
    thirds: tuple[int, int, int]
    stderr: str


def watch(*arguments: object, meanwhile: Callable[[], None] = lambda: None) -> Watched:
    """Runs avtool to its end, and looks at its memory and that of its workers five times a second."""
    begin = time.perf_counter()
    samples: list[tuple[float, float]] = []
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [*AVTOOL, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=said, env=environment()
        )
        while process.poll() is None:
            samples.append((time.perf_counter() - begin, memory_mib(process.pid)))
            meanwhile()
            time.sleep(PERIOD_S)
        seconds = time.perf_counter() - begin
        said.seek(0)
        stderr = said.read()
    thirds = [0.0, 0.0, 0.0]
    for at, mib in samples:
        third = min(2, int(3 * at / seconds))
        thirds[third] = max(thirds[third], mib)
    return Watched(
        process.returncode, seconds, (round(thirds[0]), round(thirds[1]), round(thirds[2])), stderr
    )


def memory_mib(pid: int) -> float:
    """Resident memory of a process and all its children; pages that they share count for each."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return 0.0
    total = 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it ended meanwhile
            continue
    return total / 2**20


def show(what: str, found: Watched, losses: Sequence[str] = (), code: int = 0) -> None:
    """Prints a row, and below it each loss."""
    thirds = " | ".join(map(str, found.thirds))
    print(f"| {what} | {found.code} | {found.seconds:.0f} | {thirds} | {len(losses)} |", flush=True)
    if found.code != code:
        print(f"  exit code {found.code}, not {code}: {found.stderr[-1000:]}")
    print(*(f"  {loss}" for loss in losses), sep="\n", end="\n" if losses else "", flush=True)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# --- clips


def soak_clips(folder: Path) -> None:
    """2,000 clips of two seconds and two classes through five verbs."""
    for number in range(CLIPS):
        label = ("low", "high")[number % 2]
        write_wav(folder / "sounds" / label / f"{number}.wav", class_tone(label, 2.0, number))
    sounds, data, run = folder / "sounds", folder / "data", folder / "run"
    train = ("--model", "cnn_tiny", "--epochs", 1, *CPU)
    works = {
        "prepare": ("prepare", sounds, "--out", data),
        "prepare --reencode": ("prepare", sounds, "--reencode", "--out", folder / "again"),
        "finetune, one epoch": ("finetune", data, *train, "--out", run),
        "predict": ("predict", sounds, "--model", run, *CPU, "--out", folder / "predicted"),
        "embed": ("embed", data, "--encoder", run, *CPU, "--out", folder / "features.parquet"),
    }
    for what, arguments in works.items():
        found, out = watch(*arguments, *QUIET), Path(str(arguments[-1]))
        tables = [out] if out.is_file() else list(out.glob("*.parquet"))
        rows = {table.name: pq.read_metadata(table).num_rows for table in tables}
        losses = [f"{name}: {count} rows" for name, count in rows.items() if count < CLIPS]
        show(f"`{what}`, {CLIPS:,} clips", found, losses)


# --- films


def make_films(folder: Path) -> set[str]:
    """A folder of films, every other one bad in one of ten ways; the names of the bad ones."""
    base = make_film(
        folder / "base", seed=3, minutes=1, video="static", size=(48, 64), frame_rate=5, sounds_per_minute=10
    )
    assert base.captions
    film, captions = base.film.read_bytes(), base.captions.read_text(encoding="utf-8")
    silent = write_grey_film(folder / "base" / "silent.mkv", sound=False).read_bytes()
    spoken = "\n".join(line for line in captions.splitlines() if not line.startswith("["))
    ways: list[tuple[bytes, str | bytes | None]] = [
        (b"", captions),  # empty
        (film[:1000], captions),  # cut within its header
        (bytes(byte ^ 0x5A for byte in film[:5000]) + film[5000:], captions),  # damaged
        (captions.encode(), captions),  # text under a film's suffix
        (silent, captions),  # no audio
        (film, None),  # no captions
        (film, ""),  # empty captions
        (film, "1\n00:00:0x,000 -> never\nHello.\n"),  # no readable time
        (film, spoken),  # no sound cues
        (film, os.urandom(4000)),  # captions of another kind of file
    ]
    films, bad = folder / "films", set()
    films.mkdir()
    for number in range(FILMS):
        name = f"film{number:03d}"
        data, text = (
            (film, captions.replace("[", f"[no. {number} ", 1)) if number % 2 else ways[number // 2 % 10]
        )
        (films / f"{name}.mkv").write_bytes(data)
        if text is not None:
            content = text if isinstance(text, bytes) else text.encode()
            (films / f"{name}.srt").write_bytes(content)
        if not number % 2:
            bad.add(name)
    return bad


def mined_losses(out: Path, bad: set[str], stderr: str) -> list[str]:
    """Good films without events, and bad ones that are not listed."""
    films = {row["film_id"]: row for row in read_rows(out / "films.csv")}
    events = {row["film_id"] for row in read_rows(out / "events.csv")}
    names = {f"film{number:03d}" for number in range(FILMS)}
    losses = [f"{name} has no row in films.csv" for name in sorted(names - films.keys())]
    for name, row in films.items():
        if name in bad and (
            row["status"] != "failed" or not row["error"] or f"{name} failed: " not in stderr
        ):
            losses.append(f"{name} is bad and not listed: {row}")
        if name not in bad and (row["status"] == "failed" or name not in events):
            losses.append(f"{name} is good and lost: {row}")
    return losses + (verify(out) if out.exists() else [f"{out} is missing"])


def soak_films(folder: Path) -> None:
    """500 films, half of them bad, by one process and by two."""
    bad = make_films(folder)
    for jobs in (1, 2):
        out = folder / f"mined{jobs}"
        found = watch("mine-subtitles", folder / "films", "--out", out, "--jobs", jobs, "--no-progress")
        losses = mined_losses(out, bad, found.stderr)
        show(f"`mine-subtitles --jobs {jobs}`, {FILMS} films, {len(bad)} bad", found, losses, code=1)


# --- a long film


def soak_long_film(folder: Path) -> None:
    """A film of three hours with 1,400 sounds and speech, mined, and its events predicted."""
    film = make_film(folder, seed=180, minutes=180, name="long", distortion="late", video="static")
    found = watch("mine-subtitles", film.film, "--out", folder / "mined", *QUIET)
    known, rows = len(read_rows(film.events)), len(read_rows(folder / "mined" / "events.csv"))
    losses = [] if rows >= 0.95 * known else [f"{rows} of {known} events"]
    show(f"`mine-subtitles`, a film of 180 min, {rows} events", found, losses)
    for number in range(8):
        label = ("low", "high")[number % 2]
        write_wav(folder / "sounds" / label / f"{number}.wav", class_tone(label, 2.0, number))
    data, run, out = folder / "data", folder / "run", folder / "predicted"
    watch("prepare", folder / "sounds", "--out", data, *QUIET)
    watch("finetune", data, "--model", "cnn_tiny", "--epochs", 1, *CPU, "--out", run, *QUIET)
    found = watch("predict", film.film, "--model", run, "--events", *CPU, "--out", out, *QUIET)
    show("`predict --events`, the same film", found, verify(out))


# --- a disk that fills


def soak_full_disk(folder: Path) -> None:
    """Twelve films on a small tmpfs that another program fills after the third; then it is emptied again."""
    disk, films = folder / "disk", folder / "films"
    disk.mkdir()
    for seed in range(12):
        make_film(films, seed=seed, minutes=1, name=f"film{seed:02d}", video="none", sounds_per_minute=10)
    reference = folder / "reference"
    watch("mine-subtitles", films, "--out", reference, *QUIET)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    filler, out = disk / "filler", disk / "out"
    try:
        for left_kb in (0, 40, 400, 2000):
            shutil.rmtree(out, ignore_errors=True)

            def fill(left: int = 1024 * left_kb) -> None:
                done = list(disk.glob("out.partial/clips/film*/film.json"))
                free = shutil.disk_usage(disk).free - left
                if len(done) >= 3 and free > 0:
                    with suppress(OSError), filler.open("ab") as stream:  # the command takes space meanwhile
                        stream.write(bytes(free))

            found = watch("mine-subtitles", films, "--out", out, "--no-progress", meanwhile=fill)
            kept = len(list(disk.glob("out.partial/clips/film*/film.json")))
            lines = [line for line in found.stderr.splitlines() if line.startswith("error:")]
            losses = [] if len(lines) == 1 else [f"{len(lines)} lines of error: {found.stderr[-500:]}"]
            show(f"a disk that fills to {left_kb} KB, {kept} films done", found, losses, code=2)
            filler.unlink(missing_ok=True)
            found = watch("mine-subtitles", films, "--out", out, "--no-progress")
            again = sum("(kept; " in line for line in found.stderr.splitlines())
            losses = [] if again == kept else [f"{again} of {kept} films kept"]
            same = read_rows(out / "events.csv") == read_rows(reference / "events.csv")
            losses += [] if same else ["other events than on an empty disk"]
            show(f"the same command again, {again} films kept", found, losses + verify(out))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


SOAKS: dict[str, Callable[[Path], None]] = {
    "clips": soak_clips,
    "films": soak_films,
    "long film": soak_long_film,
    "full disk": soak_full_disk,
}


def main() -> None:
    """Runs the soaks and prints a row for each command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--soaks", nargs="+", choices=SOAKS, default=list(SOAKS))
    given = parser.parse_args()
    print(
        "| work | exit code | s | MiB, first third | second | last | losses |\n|---|---|---|---|---|---|---|"
    )
    for name in given.soaks:
        if name == "full disk" and (os.geteuid() != 0 or sys.platform != "linux"):
            print("  full disk: needs root on Linux, to mount a tmpfs")
            continue
        with tempfile.TemporaryDirectory() as folder:
            SOAKS[name](Path(folder))


if __name__ == "__main__":
    main()
