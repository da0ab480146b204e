"""Artifacts: folders with an `artifact.json` that names their kind, command, settings and inputs.

Writing is atomic: a job fills the sibling `NAME.partial` and `publish` renames it. A killed command leaves
the old artifact or a resumable `.partial`, never half of one.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import inside, read_json, replace_folder, sha256_of, write_json, writing
from avtool.core.version import __version__

SCHEMA_VERSION = 1
Kind = Literal["dataset", "features", "run", "model", "predictions", "report", "export"]
CARD = "artifact.json"
_SETTINGS = "settings.json"


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
        raise BadInputError(
            f"`{folder}` is not an avtool artifact (no {CARD})", "give a folder that avtool wrote"
        )
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
    if artifact.kind not in get_args(Kind):
        raise CorruptArtifactError(f"`{folder}` is of the unknown kind `{artifact.kind}`")
    if kind and artifact.kind != kind:
        raise BadInputError(f"`{folder}` is a {artifact.kind} artifact, a {kind} is needed here")
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


def partial_folder(out: Path) -> Path:
    """Where the artifact `out` is built before it is published."""
    return out.with_name(out.name + ".partial")


def open_partial(out: Path, settings: Mapping[str, Any], *, overwrite: bool = False) -> Path:
    """The folder to build `out` in: a new one, or the one that an interrupted run with equal settings left.

    Raises:
        BadInputError: `out` or its `.partial` belongs to another run and `overwrite` is off.
    """
    partial = partial_folder(out)
    wanted = json.loads(json.dumps(dict(settings), default=str))
    for folder in (out, partial):
        if not folder.exists():
            continue
        if not folder.is_dir():
            raise BadInputError(f"`{folder}` is a file, a folder is needed", "choose another --out")
        if not (folder / _SETTINGS).is_file():
            if any(folder.iterdir()):  # not ours: not even --overwrite may remove it
                raise BadInputError(
                    f"`{folder}` exists and is not an avtool artifact", "choose another --out folder"
                )
        elif not overwrite and (changed := _differences(_settings_of(folder), wanted)):
            message = f"`{folder}` was made with other settings ({changed})"
            raise BadInputError(message, "use the same settings to resume, or --overwrite, or another --out")
    with writing(partial):
        if overwrite:
            shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, exist_ok=True)
        write_json(partial / _SETTINGS, wanted)
    return partial


def _settings_of(folder: Path) -> dict[str, Any]:
    values = read_json(folder / _SETTINGS)
    return values if isinstance(values, dict) else {}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    then, now = _flat(old), _flat(new)
    keys = [key for key in sorted(then.keys() | now.keys()) if then.get(key) != now.get(key)]
    shown = [f"{key}: {then.get(key)!r:.60} then, {now.get(key)!r:.60} now" for key in keys[:3]]
    return "; ".join(shown) + (f"; and {len(keys) - 3} more" if len(keys) > 3 else "")


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by dotted key: `recipe.model.name`; without those that are not set."""
    values: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            values |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            values[prefix + key] = value
    return values


def publish(out: Path, artifact: Artifact, *, unhashed: Sequence[str] = ()) -> None:
    """Completes the artifact being built for `out` with its `artifact.json` and moves it into place.

    Args:
        out: the final folder.
        artifact: its card; `files` and `created` are filled in here.
        unhashed: top-level folders whose files are not hashed (the many clips of a dataset).
    """
    partial = partial_folder(out)
    skipped = {*unhashed, CARD}
    files = {
        name: sha256_of(path)
        for path in sorted(partial.rglob("*"))
        if path.is_file() and (name := path.relative_to(partial).as_posix()).split("/")[0] not in skipped
    }
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(epoch), UTC) if epoch and epoch.isdigit() else datetime.now(UTC)
    card = {"schema_version": artifact.schema_version, **asdict(artifact)}
    card |= {"files": files, "created": now.isoformat(timespec="seconds")}
    write_json(partial / CARD, card)
    replace_folder(partial, out)
