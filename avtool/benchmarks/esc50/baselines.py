"""Floors of ESC-50 or ESC-10, and beside them a model's cross-validated predictions."""

from pathlib import Path
from typing import Literal

import numpy as np

from avtool.benchmarks.esc50.dataset import SECONDS, EscData, find_esc
from avtool.benchmarks.esc50.download import download_esc50
from avtool.benchmarks.esc50.results import evaluate_esc
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.evaluation.baselines import SAMPLE_RATE, Floor, Waveforms, measure_floors
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.report import BenchmarkReport
from avtool.media.waveforms import read_waveform


class Settings(Recipe):
    """ESC-50 and ESC-10."""

    subset: Literal["esc50", "esc10"] = option("esc50", "The whole, or its 10 free classes.", flag="--subset")
    data: Path | None = option(
        None, "The data set's folder.  [default: esc50 or esc10 in AVTOOL_DATA]", flag="--data"
    )
    download: bool = option(False, "Download ESC-50 (600 MB) into AVTOOL_DATA if absent.", flag="--download")
    predictions: Path | None = option(
        None, "A `predictions` artifact with each clip's fold.", flag="--predictions"
    )
    floors: bool = option(True, "Measure the classical floors.")
    seed: int = option(0, "Seed of everything random.", flag="--seed", ge=0)


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Measures the floors and scores the predictions."""
    data = open_data(settings, reporter)
    runs = {settings.seed: read_predictions(settings.predictions)} if settings.predictions else {}
    floors = esc_floors(data, reporter, settings.seed) if settings.floors or not runs else []
    return evaluate_esc(data, runs, floors=floors)


def open_data(settings: Settings, reporter: Reporter) -> EscData:
    """Finds the data set, or downloads it where that is wanted."""
    folder = settings.data
    if settings.download and folder is None:
        folder = download_esc50(reporter)
    return find_esc(settings.subset, folder)


def read_clips(data: EscData, reporter: Reporter, sample_rate: int) -> Waveforms:
    """Every clip's five seconds, cut or followed by silence, as (samples,) float32."""
    length = round(SECONDS * sample_rate)
    waveforms = []
    with reporter.progress(f"reading {data.title}", len(data.clips)) as progress:
        for clip in data.clips:
            samples = read_waveform(clip.path, 0.0, SECONDS, sample_rate=sample_rate)
            waveforms.append(np.pad(samples, (0, length - samples.size)))
            progress.advance()
    return waveforms


def esc_floors(data: EscData, reporter: Reporter, seed: int = 0) -> list[Floor]:
    """The classical floors on the official folds."""
    waveforms = read_clips(data, reporter, SAMPLE_RATE)
    labels = np.array([data.classes.index(clip.label) for clip in data.clips])
    reporter.info("measuring the classical floors")
    return measure_floors(waveforms, labels, np.array([clip.fold for clip in data.clips]), seed=seed)
