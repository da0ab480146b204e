"""Sound captions of any program against the films' own: the benchmark `sdh`."""

from pathlib import Path

from pydantic import model_validator

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.meteor import Backend
from avtool.evaluation.report import BenchmarkReport


class SdhSettings(Recipe):
    """`sdh`."""

    data: Path | None = option(
        None, "Films with SDH tracks: a film, a folder, a table film,captions, or an SDH file.", flag="--data"
    )
    predictions: Path | None = option(
        None, "Captions to score: a file, a folder of files named like the films, or a submission.",
        flag="--predictions",
    )  # fmt: skip
    model: Path | None = option(None, "Caption the films by this model, and score that.", flag="--model")
    phrases: Path | None = option(
        None, "CSV table of phrases of the model's classes, as of `avtool caption`.", flag="--phrases"
    )
    thresholds: Path | None = option(
        None, "Thresholds of the model, as of `avtool caption`.", flag="--thresholds"
    )
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    captions: str = option(
        "auto", "The SDH track of a film: auto, stream:N, or a file.", flag="--captions", min_length=1
    )
    dialogue: Path | None = option(
        None, "Dialogue that the captions were merged with.  [default: the film's own]", flag="--dialogue"
    )
    style: str = option("netflix", "Style whose rules are checked: a name, or a file.", flag="--style")
    language: str = option("en", "Language of the captions (BCP 47).", flag="--language")
    meteor_backend: Backend = option("python", "METEOR by python or java.", flag="--meteor-backend")
    seed: int = option(0, "Seed of the chance baseline.", flag="--seed", ge=0)
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its file's]")

    @model_validator(mode="after")
    def _needs_both(self) -> "SdhSettings":
        if self.data is None:
            raise ValueError("sdh needs films with SDH tracks: give --data film.mkv, or an SDH file")
        if (self.predictions is None) == (self.model is None):
            raise ValueError("sdh scores captions: give --predictions film.vtt, or a --model that captions")
        return self


def run(settings: SdhSettings, reporter: Reporter) -> BenchmarkReport:
    """Scores captions against the films' own.

    Raises:
        BadInputError: a film has no sound captions, or a file cannot be read.
        MissingError: METEOR's data or Java is not installed.
    """
    from avtool.benchmarks.sdh.films import caption_films, read_films, read_predictions
    from avtool.benchmarks.sdh.report import sdh_report
    from avtool.captioning.style import load_style
    from avtool.evaluation.metrics.meteor import open_meteor
    from avtool.evaluation.sound_captions.scores import score_sound_captions

    assert settings.data is not None
    style = load_style(settings.style)
    films = read_films(settings.data, settings.captions, settings.language, reporter)
    missing: list[str] = []
    if settings.model is not None:
        captioned = caption_films(
            settings.model,
            films,
            style,
            reporter,
            phrases=settings.phrases,
            thresholds=settings.thresholds,
            device=settings.device,
        )
    else:
        assert settings.predictions is not None
        captioned, missing = read_predictions(
            settings.predictions, films, settings.dialogue, settings.language
        )
    meteor = open_meteor(settings.meteor_backend, reporter)
    scores = score_sound_captions(captioned, style, meteor)
    source = settings.predictions or settings.model
    name = settings.name or (source.stem if source else "")
    return sdh_report(name, scores, missing, settings.style, settings.seed)


BENCHMARKS.add(
    "sdh",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="SDH sound captions",
            summary="Sound captions against a film's own SDH track: onset F1, false cues, words, form.",
            data="films with SDH tracks",
            protocols=("predictions", "caption"),
            metric="onset F1 (1 s)",
        ),
        SdhSettings,
        run,
    ),
)
