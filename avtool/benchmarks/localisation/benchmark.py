"""Benchmarks of query localisation: a TOML file for each set of annotations, a protocol a challenge."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet
from avtool.benchmarks.localisation.settings import LocalisationSettings
from avtool.benchmarks.localisation.spec import LocalisationSpec
from avtool.core.errors import BadInputError
from avtool.core.paths import data_folder
from avtool.core.recipe import Recipe, read_recipe_file, validate
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class LocalisationBenchmark:
    """The benchmark of a TOML file."""

    path: Path

    @cached_property
    def spec(self) -> LocalisationSpec:
        """The content of the file."""
        return validate(LocalisationSpec, read_recipe_file(self.path), origin=str(self.path))

    @property
    def settings(self) -> type[Recipe]:
        """The settings of every set."""
        return LocalisationSettings

    @property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""
        return BenchmarkFactSheet.of(
            self.spec, data="located queries", protocols=("predictions", "search"), metric=self.spec.metric
        )

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Scores a submission, or what an engine finds.

        Raises:
            BadInputError: submission, films or annotations are absent, unreadable, or of other queries.
        """
        from avtool.benchmarks.localisation.report import localisation_report
        from avtool.benchmarks.localisation.run import score_search, score_submission

        assert isinstance(settings, LocalisationSettings), "the settings are its own"
        if settings.predictions is None and not settings.searches:
            hint = "give a submission in the challenge's form, or films and an engine: --films, --engine"
            raise BadInputError("--predictions is not given", hint)
        annotations = self._annotations(settings.data)
        score = score_search if settings.searches else score_submission
        name, scored = score(self.spec.protocol, annotations, settings, reporter)
        for warning in scored.coverage.caveats():
            reporter.warn(warning)
        return localisation_report(settings.name or name, self.spec, scored, annotations.name)

    def _annotations(self, given: Path | None) -> Path:
        if given is not None and not given.is_dir():
            return given
        folders = [given] if given else [data_folder() / name for name in self.spec.folders]
        for folder in folders:
            for name in self.spec.files:
                if (folder / name).is_file():
                    return folder / name
        message = f"the annotations of {self.spec.title} are not in `{folders[0]}`"
        raise BadInputError(message, f"give --data {self.spec.files[0]}")


for _path in sorted(_FOLDER.glob("*.toml")):
    BENCHMARKS.add(_path.stem, LocalisationBenchmark(_path))
