"""The diagnosis of `avtool doctor`: the machine, and what other packages register."""

from typing import Any

from avtool.benchmarks import BENCHMARKS
from avtool.core.environment import Check, checks
from avtool.core.registry import Registry
from avtool.data.readers.layouts import READERS
from avtool.models.registry import MODELS
from avtool.tasks import CAPTIONERS, TASKS


def diagnose() -> list[Check]:
    """Checks the machine and every registry. Loads torch."""
    registries: tuple[Registry[Any], ...] = (MODELS, TASKS, CAPTIONERS, READERS, BENCHMARKS)
    return [*checks(), *(check for registry in registries for check in _check_registry(registry))]


def _check_registry(registry: Registry[Any]) -> list[Check]:
    """The number of entries, and a line for each entry point that cannot be imported."""
    found = [Check(f"{registry.noun}s", True, f"{len(registry.names())} registered")]
    hint = f"reinstall or remove the package that has the entry point (group {registry.group})"
    found += [
        Check(f"{registry.noun} {name}", False, reason, hint) for name, reason in registry.broken().items()
    ]
    return found
