"""Mining 24 films by Dask beside joblib: two workers each, which run already, in turns.

`python -m tests.benchmarks cluster`. The films are made on the spot; the first round warms both up and does
not count. Beside it, what a task costs that does nothing.
"""

import shutil
import time
from pathlib import Path
from statistics import median

from avtool.core.parallel import map_unordered, run_on
from avtool.mining.film import FilmTask
from avtool.mining.mine_subtitles import mine_outcome
from avtool.mining.outcome import FilmOutcome
from avtool.mining.pairing import pair_films
from avtool.mining.recipe import MineRecipe
from avtool.synthetic.make_film import make_film

FOLDER = Path("bench") / "cluster"
FILMS, MINUTES, ROUNDS, EMPTY = 24, 1.0, 3, 200


def mine(task: FilmTask) -> FilmOutcome:
    """One film, quietly."""
    return mine_outcome(task, None)


def nothing(number: int) -> int:
    """A task that does nothing."""
    return number


def tasks_of(films: Path, out: Path) -> list[FilmTask]:
    """A task a film, with nothing done before."""
    shutil.rmtree(out, ignore_errors=True)
    recipe = MineRecipe.model_validate({"sync": {"vad": "webrtc"}})
    return [
        FilmTask(pair, out.absolute() / pair.film_id, recipe) for pair in pair_films([str(films)], "auto")
    ]


def seconds_of(engine: tuple[str, str], films: Path) -> tuple[float, float]:
    """Wall seconds of mining, and processor milliseconds of this process for an empty task, on an engine."""
    with run_on(*engine):
        tasks = tasks_of(films, FOLDER / "out")
        begin = time.perf_counter()
        found = list(map_unordered(mine, tasks, jobs=2))
        mined = time.perf_counter() - begin
        assert all(one.error is None for one in found), [one.error for one in found]
        begin = time.process_time()
        assert len(list(map_unordered(nothing, range(EMPTY), jobs=2))) == EMPTY
        return mined, 1000 * (time.process_time() - begin) / EMPTY


def main() -> None:
    """Prints seconds of both, and the median of the ratios of neighbouring rounds."""
    from distributed import LocalCluster

    films = FOLDER / "films"
    for seed in range(FILMS):
        if not (films / f"film{seed:02d}.events.csv").exists():
            make_film(films, seed=seed, minutes=MINUTES, name=f"film{seed:02d}", video="none")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        engines = {"joblib": ("local", ""), "dask": ("dask", cluster.scheduler_address)}
        rounds: list[dict[str, tuple[float, float]]] = []
        for number in range(ROUNDS + 1):
            order = list(engines) if number % 2 else list(engines)[::-1]
            rounds.append({name: seconds_of(engines[name], films) for name in order})
    for name in engines:
        mined, empty = zip(*(one[name] for one in rounds[1:]), strict=True)
        print(
            f"{name}: {FILMS} films of {MINUTES:g} min in {median(mined):.2f} s"
            f" ({min(mined):.2f} to {max(mined):.2f}); a task {median(empty):.2f} ms of this process"
        )
    ratios = [one["dask"][0] / one["joblib"][0] for one in rounds[1:]]
    print(f"dask / joblib: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), n = {len(ratios)}")


if __name__ == "__main__":
    main()
