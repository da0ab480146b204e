"""Query localisation as a task: one network for image, text, label and audio queries over indexed films."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.data.clip_filter import Skipped
from avtool.inference.localisation.grounding_card import TASK
from avtool.tasks.localisation.queries import QueriedFilms, find_queries
from avtool.tasks.localisation.recipe import LocalisationRecipe
from avtool.training.run import weights_input
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.inference.localisation.grounding_card import GroundingCard
    from avtool.tasks.localisation.samples import Half
    from avtool.tasks.localisation.tokens import RowEncoders
    from avtool.tasks.localisation.validation import GroundingValidation

_TOKENS = 16
"""Of a query, to estimate memory by."""


@register
@dataclass(frozen=True)
class LocalisationTask(Task[LocalisationRecipe]):
    """MINOTAUR over features of films (Goyal et al., 2023)."""

    name = TASK
    verb = "localize"
    summary = "Train a network that finds image, text, label and audio queries in indexed films."
    takes = "A table of queries with their segments (.csv, .jsonl)."
    recipe_type = LocalisationRecipe

    @classmethod
    def subcommand(cls) -> str:
        """`localize train`."""
        return f"{cls.verb} train"

    @cached_property
    def films(self) -> QueriedFilms:
        """What is learned from and validated on."""
        return find_queries(self.source, self.recipe.data)

    @cached_property
    def encoders(self) -> "RowEncoders":
        """Of the queries.

        Raises:
            MissingError: one is not on this machine.
        """
        from avtool.tasks.localisation.tokens import RowEncoders

        recipe = self.recipe
        return RowEncoders(self.films, recipe.data.text_encoder, recipe.runtime, self.reporter)

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The table, the files of its queries, the indexes, the text encoder, and the initial weights."""
        init, text = self.recipe.model.init, self.encoders.text_input
        found = self.films.inputs(self.source)
        return [*found, *([text] if text else []), *([weights_input(init)] if init else [])]

    @property
    def starts(self) -> Sequence[Path]:
        """The initial weights, and the encoders of films and queries."""
        cards = [self.films.stream("visual"), self.films.stream("audio"), self.encoders.text_card]
        found = [Path(card.encoder) for card in cards if card is not None]
        return [*([self.recipe.model.init] if self.recipe.model.init else []), *found]

    @property
    def validates(self) -> bool:
        """Whether there are queries to validate on."""
        return any(len(query.segments) for query in self.films.val)

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Queries without an index of their film, or without a segment in it."""
        return self.films.skipped

    def describe(self) -> Mapping[str, int | str]:
        """The model, its kinds of query, films and queries."""
        films = self.films
        counts = {kind: sum(query.row.kind == kind for query in films.train) for kind in films.kinds}
        return {
            "model": self.recipe.model.name,
            "films": len(films.indexes),
            "train_queries": len(films.train),
            "kinds": ", ".join(f"{kind} ({count})" for kind, count in counts.items()),
            "val_queries": len(films.val),
            "labels": len(films.labels),
        }

    def num_samples(self) -> int:
        """Windows of an epoch."""
        return self.recipe.data.samples or len(self.films.train)

    def widths(self) -> dict[str, tuple[int, int]]:
        """Tokens and width of a frame's features by modality that the films have."""
        cards = {name: self.films.stream(name) for name in ("visual", "audio")}
        return {name: (card.tokens, card.width) for name, card in cards.items() if card is not None}

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        from avtool.models.build import build_network

        films, model, widths = self.films, self.recipe.model, self.widths()
        grids = [index.card.grid for index in films.indexes if index.card.visual is not None]
        chosen: dict[str, Any] = {
            "visual_dim": widths.get("visual", (0, 0))[1],
            "audio_dim": widths.get("audio", (0, 0))[1],
            "audio_tokens": widths.get("audio", (1, 0))[0],
            "query_dims": {kind: self.encoders.width(kind) for kind in films.kinds},
            "grid": tuple(grids[0]) if grids else (1, 1),
        }
        return build_network(model.name, model.arguments, chosen, self.recipe.seed)

    def example(self) -> "Mapping[str, Tensor]":
        """Zeros, windows of full length."""
        import torch

        data, size = self.recipe.data, self.recipe.loop.batch_size
        frames = max(data.window_of(kind) for kind in self.films.kinds)
        widest = max(self.encoders.width(kind) for kind in self.films.kinds)
        none = dict.fromkeys(("visual", "audio"))
        streams = {name: torch.zeros(size, frames, *shape) for name, shape in self.widths().items()}
        return {
            **none,
            **streams,
            "query": torch.zeros(size, _TOKENS, widest),
            "query_mask": torch.ones(size, _TOKENS, dtype=torch.bool),
            "kind": torch.zeros(size, dtype=torch.int64),
        }

    def card(self) -> "GroundingCard":
        """What the trained network expects."""
        from avtool.inference.localisation.grounding_card import GroundingCard

        films, data = self.films, self.recipe.data
        index = films.indexes[0]
        return GroundingCard(
            step=index.step,
            stride=data.stride,
            window=data.window,
            size=max(one.card.size for one in films.indexes) if films.stream("visual") else 0,
            kinds=films.kinds,
            labels=tuple(films.labels),
            visual=films.stream("visual"),
            audio=films.stream("audio"),
            text=self.encoders.text_card,
        )

    def prepare(self) -> Training:
        """The network, its objective, and windows of features.

        Raises:
            BadInputError: queries, indexes, model and settings do not fit together.
        """
        from avtool.models.model_folder import ModelDescription
        from avtool.models.start import load_start
        from avtool.objectives.localisation import Localisation, LocalisationWeights
        from avtool.tasks.localisation.samples import QueryWindows, collate_windows

        recipe, films = self.recipe, self.films
        model, arguments = self.build()
        load_start(model, recipe.model.name, recipe.model.init, self.reporter)
        tokens = self.encoders.encode(films.train, "queries")
        seed, widths = recipe.seed, self.widths()
        samples = QueryWindows(
            films.train, films.indexes, tokens, films.kinds, widths, recipe.data, seed, train=True
        )
        objective = Localisation(
            films.kinds, LocalisationWeights(**recipe.loss.model_dump()), recipe.data.stride
        )
        description = ModelDescription(
            recipe.model.name,
            arguments,
            self.card().to_json(),
            f"Finds {', '.join(films.kinds)} queries in films: trained on {len(films.train)} queries over "
            f"{len({query.film for query in films.train})} films.",
            self.command,
            self.inputs,
        )
        return Training(
            model=model,
            objective=objective,
            samples=samples,
            collate=collate_windows,
            description=description,
            validate=self._validation(objective) if self.validates else None,
            metric="recall",
            maximise=True,
        )

    def _validation(self, objective: Any) -> "GroundingValidation":
        from avtool.tasks.localisation.samples import QueryWindows, collate_windows
        from avtool.tasks.localisation.validation import GroundingValidation, some_queries
        from avtool.training.validation import Validation

        recipe, films = self.recipe, self.films
        chosen = some_queries(films.val, recipe.data.val_queries, recipe.seed)
        queries = [films.val[number] for number in chosen]
        tokens: list[Half] = self.encoders.encode(queries, "validation queries")
        windows = QueryWindows(
            queries, films.indexes, tokens, films.kinds, self.widths(), recipe.data, recipe.seed, train=False
        )  # fmt: skip
        return GroundingValidation(
            Validation(
                objective, windows, collate_windows, recipe.loop.batch_size,
                whole_batches=False, workers=0,
            ),
            queries, films.indexes, tokens,
            {kind: recipe.data.window_of(kind) for kind in films.kinds},
            recipe.data.stride, recipe.runtime,
        )  # fmt: skip
