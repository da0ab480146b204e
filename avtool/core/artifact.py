"""Artifacts: folders with an `artifact.json` that names their kind, command, settings and inputs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import inside, read_json, sha256_of
from avtool.core.version import __version__

SCHEMA_VERSION = 1
Kind = Literal["dataset", "features", "run", "model", "predictions", "report", "export"]
CARD = "artifact.json"


@dataclass(frozen=True)
class Input:
    """A file or artifact that another artifact was made from."""

    path: str
    kind: str
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """The content of `artifact.json`.

    Attributes:
        schema_version: version of this layout.
        kind: what the folder holds.
        avtool: the version that wrote it.
        created: UTC time in ISO 8601; `SOURCE_DATE_EPOCH` overrides the clock.
        command: the command line, or the job's name in library use.
        recipe: the resolved settings.
        seed: the seed that every random choice came from, or None.
        inputs: what it was made from.
        files: relative name → SHA-256 of the files that must not change.
    """

    kind: Kind
    command: str
    recipe: Mapping[str, Any]
    seed: int | None = None
    inputs: Sequence[Input] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    avtool: str = __version__
    created: str = ""


def settings_hash(settings: Any) -> str:
    """A short name for resolved settings: equal settings have equal names."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_artifact(folder: Path, kind: Kind | None = None) -> Artifact:
    """Reads `artifact.json` and checks that this avtool understands the folder.

    Raises:
        BadInputError: the folder is no artifact, or not of the wanted kind.
        CorruptArtifactError: it is damaged or was written by another schema version.
    """
    path = folder / CARD
    if not path.is_file():
        makes = "`avtool prepare` makes a dataset of media" if kind == "dataset" else ""
        message = f"`{folder}` is not an avtool artifact (no {CARD})"
        raise BadInputError(message, makes or "give a folder that avtool wrote")
    values = read_json(path)
    if not isinstance(values, dict):
        raise CorruptArtifactError(f"`{path}` does not hold an object", "make the artifact again")
    version = values.get("schema_version")
    if version != SCHEMA_VERSION:
        writer = values.get("avtool", "an unknown version")
        message = (
            f"`{folder}` has schema {version} (avtool {writer} wrote it), this one reads {SCHEMA_VERSION}"
        )
        install = f"pip install 'avtool=={writer}', or " if "avtool" in values else ""
        raise CorruptArtifactError(message, f"{install}make the artifact again")
    try:
        artifact = Artifact(**{**values, "inputs": [Input(**item) for item in values["inputs"]]})
    except (KeyError, TypeError) as error:
        raise CorruptArtifactError(
            f"`{path}` lacks or adds keys ({error})", "make the artifact again"
        ) from error
    listed = artifact.files.items() if isinstance(artifact.files, dict) else [("", None)]
    if not all(isinstance(digest, str) for _, digest in listed):
        raise CorruptArtifactError(f"`files` of `{path}` are no names with hashes", "make the artifact again")
    if artifact.kind not in get_args(Kind):
        raise CorruptArtifactError(f"`{folder}` is of the unknown kind `{artifact.kind}`")
    if kind and artifact.kind != kind:
        article = "an" if artifact.kind == "export" else "a"
        raise BadInputError(f"`{folder}` is {article} {artifact.kind} artifact, a {kind} is needed here")
    return artifact


def verify(folder: Path) -> list[str]:
    """The files that are missing or have changed since the artifact was written, one problem each."""
    problems = []
    for name, expected in read_artifact(folder).files.items():
        path = inside(folder, name)
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif sha256_of(path) != expected:
            problems.append(f"{name} has changed")
    return problems
