"""Benchmarks of query localisation: a TOML file for each set of annotations, a protocol a challenge."""

from pathlib import Path

from avtool.benchmarks.benchmark import BenchmarkFactSheet, add_specs
from avtool.benchmarks.localisation.settings import LocalisationSettings
from avtool.benchmarks.localisation.spec import LocalisationSpec
from avtool.core.errors import BadInputError
from avtool.core.paths import data_folder
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


def run(spec: LocalisationSpec, settings: LocalisationSettings, reporter: Reporter) -> BenchmarkReport:
    """Scores a submission, or what an engine finds.

    Raises:
        BadInputError: submission, films or annotations are absent, unreadable, or of other queries.
    """
    from avtool.benchmarks.localisation.report import localisation_report
    from avtool.benchmarks.localisation.run import score_search, score_submission

    if settings.predictions is None and not settings.searches:
        hint = "give a submission in the challenge's form, or films and an engine: --films, --engine"
        raise BadInputError("--predictions is not given", hint)
    annotations = _annotations(spec, settings.data)
    score = score_search if settings.searches else score_submission
    name, scored = score(spec.protocol, annotations, settings, reporter)
    for warning in scored.coverage.caveats():
        reporter.warn(warning)
    return localisation_report(settings.name or name, spec, scored, annotations.name)


def _annotations(spec: LocalisationSpec, given: Path | None) -> Path:
    """The file of annotations: the given one, or that in a folder or in AVTOOL_DATA."""
    if given is not None and not given.is_dir():
        return given
    folders = [given] if given else [data_folder() / name for name in spec.folders]
    for folder in folders:
        for name in spec.files:
            if (folder / name).is_file():
                return folder / name
    message = f"the annotations of {spec.title} are not in `{folders[0]}`"
    raise BadInputError(message, f"give --data {spec.files[0]}")


add_specs(
    Path(__file__).parent,
    LocalisationSpec,
    LocalisationSettings,
    run,
    lambda spec: BenchmarkFactSheet.of(
        spec, data="located queries", protocols=("predictions", "search"), metric=spec.metric
    ),
)
