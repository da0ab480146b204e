"""Engines that are measured: the trained network, its two-stage search, and similarity."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from avtool.benchmarks.query_table.benchmark import QueryTableSettings
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.frame_scores import Hit
from avtool.inference.localisation.queries import Query

Finder = Callable[[FilmIndex, Query], tuple[list[Hit], float]]
"""An index and a query → hits, best first, and the share of the film that was examined."""
