"""Dense video captioning as a task: proposals and captions of films, trained together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.learned_clips import Use
from avtool.data.clip_filter import Skipped
from avtool.data.manifest import Manifest
from avtool.data.vocabulary import Vocabulary, frequent_phrases
from avtool.inference.dense_captioning.captioner import TASK
from avtool.inference.dense_captioning.streams import (
    EncodedStream,
    FilmStreams,
    Stream,
    asset_name,
    open_stream,
)
from avtool.tasks.dense_captioning.initial_weights import start_captioner, start_inputs
from avtool.tasks.dense_captioning.recipe import DenseCaptioningRecipe
from avtool.tasks.dense_captioning.samples import CaptionedFilm, CaptionedFilms, EventSamples, find_films
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.masked_transformer.masked_transformer import MaskedTransformer
    from avtool.models.model_folder import ModelDescription


@register
@dataclass(frozen=True)
class DenseCaptioningTask(Task[DenseCaptioningRecipe]):
    """A masked transformer of captioned films (Zhou et al., 2018)."""

    name = TASK
    verb = "caption"
    summary = "Train a captioner of films on their captions: it proposes segments, and writes what is there."
    takes = "A mined or prepared dataset with captions, or an annotation file whose features are given."
    recipe_type = DenseCaptioningRecipe

    @classmethod
    def subcommand(cls) -> str:
        """`caption train`."""
        return f"{cls.verb} train"

    @cached_property
    def films(self) -> CaptionedFilms:
        """What is learned from and validated on."""
        return find_films(self.source, self.recipe.data)

    @cached_property
    def streams(self) -> list[Stream]:
        """The features that the model takes, with their widths.

        Raises:
            BadInputError: none is given, two have one name, or one cannot be read.
        """
        data = self.recipe.data
        if not data.features:
            message = "no features are given"
            raise BadInputError(message, "give encoders or folders of .npy files: --features weights/yamnet")
        step = data.feature_step or data.step
        films = [film.item for film in (*self.films.train, *self.films.val)]
        opened = (
            open_stream(name, Path(source), step, None, self.recipe.runtime)
            for name, source in data.streams().items()
        )
        return [replace(stream, dim=stream.width(films[0])) for stream in opened]

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The dataset, and the features or their encoders."""
        names = [film.item.name for film in (*self.films.train, *self.films.val)]
        found = [*self.films.inputs, *(one for stream in self.streams for one in stream.inputs(names))]
        return [*found, *start_inputs(self.recipe.model)]

    @property
    def learned_from(self) -> Sequence[tuple[Manifest, Use]]:
        """The captioned clips; those of validation where they decide anything."""
        if self.films.clips is None:
            return ()
        train, val = self.films.clips
        found: list[tuple[Manifest, Use]] = [(train, "labels")]
        return [*found, (val, "selection")] if len(val) and self.recipe.selects else found

    @property
    def starts(self) -> Sequence[Path]:
        """Initial weights, and the encoders of the features."""
        encoders = [stream.encoder for stream in self.streams if isinstance(stream, EncodedStream)]
        init = self.recipe.model.init
        return [*([init] if init else []), *encoders]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the training captions alone."""
        texts = [text for film in self.films.train for text in film.texts]
        data = self.recipe.data
        return Vocabulary.of(texts, data.least_words, data.max_words)

    @cached_property
    def phrases(self) -> list[str]:
        """The frequent phrases of the training captions whose words are known and that are not too long."""
        texts = [text for film in self.films.train for text in film.texts]
        known = self.vocabulary
        return [
            phrase
            for phrase in frequent_phrases(texts, self.recipe.data.least_phrases)
            if known.text(known.numbers(phrase)) == phrase
        ]

    @property
    def validates(self) -> bool:
        """Whether there are films to validate on."""
        return bool(self.films.val)

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Rows without a caption."""
        return self.films.skipped

    def describe(self) -> Mapping[str, int | str]:
        """The model, its streams, films and events, words and phrases."""
        films = self.films
        return {
            "model": self.recipe.model.name,
            "streams": ", ".join(f"{stream.name} ({stream.dim})" for stream in self.streams),
            "train_films": len(films.train),
            "train_events": self.num_samples(),
            "val_films": len(films.val),
            "words": len(self.vocabulary),
            "phrases": len(self.phrases),
        }

    def num_samples(self) -> int:
        """Captioned events of the training films, before those without anchors are dropped."""
        return sum(len(film.texts) for film in self.films.train)

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        from avtool.models.build import build_network

        data, model = self.recipe.data, self.recipe.model
        chosen = {
            "streams": tuple((stream.name, int(stream.dim or 0)) for stream in self.streams),
            "window": data.window,
            "words": len(self.vocabulary),
            "max_words": data.max_words,
        }
        return build_network(model.name, model.arguments, chosen, self.recipe.seed)

    def example(self) -> "Mapping[str, Tensor]":
        """Zeros, with sentences of full length."""
        import torch

        data, size = self.recipe.data, self.recipe.loop.batch_size
        width = sum(int(stream.dim or 0) for stream in self.streams)
        return {
            "streams": torch.zeros(size, data.window, width),
            "streams_mask": torch.ones(size, data.window, dtype=torch.bool),
            "tokens": torch.zeros(size, data.max_words - 1, dtype=torch.int64),
        }

    def prepare(self) -> Training:
        """The network, its objective, and events in windows of features.

        Raises:
            BadInputError: data, features, model and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate
        from avtool.models.runtime import launched_processes
        from avtool.objectives.dense_captioning import DenseCaptioning, DenseCaptioningWeights
        from avtool.training.plan import Plan
        from avtool.training.validation import Validation

        recipe, films = self.recipe, self.films
        model: MaskedTransformer
        model, arguments = self.build()  # type: ignore[assignment]
        start_captioner(model, recipe.model, self.vocabulary, self.reporter)
        samples = self._samples(films.train, model, train=True)
        if samples.dropped:
            self.reporter.warn(f"{samples.dropped} events are skipped: no anchor serves them in a window")
        if not len(samples):
            raise BadInputError("no event is served by an anchor", "set data.best_anchor, or other anchors")
        plan = Plan.of(recipe.loop, len(samples), launched_processes())
        weights = DenseCaptioningWeights(**recipe.loss.model_dump())
        learns_mask = model.mask_network is not None
        objective = DenseCaptioning(weights, plan.total * plan.accumulate, learns_mask=learns_mask)
        held_out = self._samples(films.val, model, train=False)
        validation = Validation(
            DenseCaptioning(weights, learns_mask=learns_mask).eval(), held_out, collate,
            recipe.loop.batch_size, whole_batches=False, workers=0,
        )  # fmt: skip
        return Training(
            model=model,
            objective=objective,
            samples=samples,
            collate=collate,
            description=self._description(arguments, len(samples)),
            validate=validation if len(held_out) else None,
            groups=samples.groups,
            sample_ids=samples.names,
        )

    def _description(self, arguments: Mapping[str, Any], num_events: int) -> "ModelDescription":
        from avtool.models.foreign import locate
        from avtool.models.model_folder import ModelDescription

        recipe = self.recipe
        encoded = [stream for stream in self.streams if isinstance(stream, EncodedStream)]
        return ModelDescription(
            recipe.model.name,
            arguments,
            {
                "task": TASK,
                "step": recipe.data.step,
                "streams": [stream.to_json() for stream in self.streams],
                "vocabulary": self.vocabulary.to_json(),
                "phrases": self.phrases,
                "decoding": recipe.decoding.model_dump(mode="json"),
            },
            f"Captions films: trained on {num_events} captioned events of {len(self.films.train)} films.",
            self.command,
            self.inputs,
            assets={asset_name(stream.name): locate(stream.encoder) for stream in encoded},
        )

    def _samples(
        self, films: Sequence[CaptionedFilm], model: "MaskedTransformer", *, train: bool
    ) -> EventSamples:
        streams = []
        with self.reporter.progress("features", len(films)) as bar:
            for film in films:
                streams.append(FilmStreams.of(film.item, self.streams, self.recipe.data.step, self.reporter))
                bar.advance(note=Path(film.item.name).name)
        grid, recipe = model.grid, self.recipe
        return EventSamples(films, streams, self.vocabulary, grid, recipe.data, recipe.seed, train=train)
