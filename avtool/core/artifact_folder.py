"""The folder of an artifact while it is made, and its way into place.

Writing is atomic: a job fills the sibling `NAME.partial` and `publish` puts it into place. A killed command
leaves the old artifact or a resumable `.partial`, never half of one. One process writes a folder; what is not
the artifact's own is never removed: files of others are carried over to the new artifact.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from avtool.core.artifact import CARD, Artifact, Kind, read_artifact
from avtool.core.errors import BadInputError
from avtool.core.files import read_json, sha256_of, swap_folders, write_json, writing
from avtool.core.writers import check_unwatched, lock_folder, output_folder, release_folder

SETTINGS = "settings.json"
_UNFINISHED = "unfinished.json"
"""Marks a `.partial` as ours, and names the kind that it will be."""
CONTENTS = "contents.json"
"""Names the files that the card does not, because they are not hashed: all are the artifact's own."""

_to_replace: ContextVar[tuple[Path, Kind] | None] = ContextVar("to_replace", default=None)


@contextmanager
def sent_over(out: Path, kind: Kind | None) -> Iterator[None]:
    """Inside the block, no artifact of another kind is begun in a folder that will be sent over one.

    Args:
        out: the folder.
        kind: of the artifact that stands where it will be sent; None where there is none.
    """
    token = _to_replace.set((out, kind) if kind else None)
    try:
        yield
    finally:
        _to_replace.reset(token)


def partial_folder(out: Path) -> Path:
    """Where the artifact `out` is built before it is published."""
    real = output_folder(out)
    return real.with_name(real.name + ".partial")


def open_partial(
    out: Path,
    settings: Mapping[str, Any],
    *,
    kind: Kind,
    overwrite: bool = False,
    inputs: Iterable[Path] = (),
) -> Path:
    """The folder to build `out` in: a new one, or the one that an interrupted run with equal settings left.

    This process is its only writer from here on.

    Args:
        out: the artifact; a link is followed.
        settings: those that must be equal to resume the run, or to make a finished artifact again.
        kind: of the artifact.
        overwrite: whether an artifact of this kind with other settings may be replaced.
        inputs: what the artifact is made from: they are never replaced by it.

    Raises:
        BadInputError: another process writes it, `out` or its `.partial` belongs to something else, or to
            another run and `overwrite` is off, or `out` is one of the inputs.
    """
    replaced = _to_replace.get()
    if replaced and replaced[0] == out and replaced[1] != kind:
        raise BadInputError(f"`{out}` is a {replaced[1]} artifact, and no {kind}", "choose another --out")
    partial, out = partial_folder(out), output_folder(out)
    wanted = json.loads(json.dumps(dict(settings), default=str))
    _need_folder(out)
    _need_folder(partial)
    check_unwatched(out)
    _check_finished(out, wanted, kind, overwrite)
    for path in inputs:
        _check_input(path, out, partial)
    lock_folder(partial)
    try:
        _recover(out, partial)
        _check_finished(out, wanted, kind, overwrite)
        _check_unfinished(partial, wanted, kind, overwrite)
    except BaseException:
        if not any(partial.iterdir()):
            partial.rmdir()
        release_folder(partial)
        raise
    with writing(partial):
        if overwrite:
            _empty(partial)
        for path in partial.rglob(".*.partial"):  # of `atomic_file`, in a process that was killed
            if path.is_file():
                path.unlink()
        write_json(partial / _UNFINISHED, {"kind": kind})
        write_json(partial / SETTINGS, wanted)
    return partial


def discard_partial(partial: Path) -> None:
    """Removes a folder of `open_partial` that holds nothing to resume from."""
    shutil.rmtree(partial, ignore_errors=True)
    release_folder(partial)


def publish(out: Path, artifact: Artifact, *, unhashed: Sequence[str] = ()) -> None:
    """Completes the artifact being built for `out` with its `artifact.json` and moves it into place.

    Files in `out` that are not those of an older artifact stay there.

    Args:
        out: the final folder.
        artifact: its card; `files` and `created` are filled in here.
        unhashed: top-level folders whose files are not hashed (the many clips of a dataset).
    """
    partial, out = partial_folder(out), output_folder(out)
    names = sorted(path.relative_to(partial).as_posix() for path in partial.rglob("*") if path.is_file())
    apart = [name for name in names if name.partition("/")[0] in unhashed]
    if unhashed:
        write_json(partial / CONTENTS, apart, indent=None)
    hashed = sorted({*names, *([CONTENTS] if unhashed else [])} - {CARD, _UNFINISHED, *apart})
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(epoch), UTC) if epoch and epoch.isdigit() else datetime.now(UTC)
    card = {"schema_version": artifact.schema_version, **asdict(artifact)}
    card |= {"files": {name: sha256_of(partial / name) for name in hashed}}
    write_json(partial / CARD, card | {"created": now.isoformat(timespec="seconds")})
    old = swap_folders(partial, out)
    with writing(out):
        (out / _UNFINISHED).unlink(missing_ok=True)
    if old:
        retire(old, out, own_files(old) if (old / CARD).is_file() else ())
    release_folder(partial)


def own_files(folder: Path) -> set[str]:
    """The names of the files that belong to a finished artifact.

    Raises:
        BadInputError: it is no artifact.
        CorruptArtifactError: it is damaged.
    """
    names = {*read_artifact(folder).files, CARD, CONTENTS}
    contents = folder / CONTENTS
    if contents.is_file() and isinstance(listed := read_json(contents), list):
        names |= set(map(str, listed))
    return names


def _need_folder(folder: Path) -> None:
    with writing(folder):
        if folder.exists() and not folder.is_dir():
            raise BadInputError(f"`{folder}` is a file, a folder is needed", "choose another --out")


def _check_finished(out: Path, wanted: Mapping[str, Any], kind: Kind, overwrite: bool) -> None:
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / CARD).is_file():  # not ours: not even --overwrite may remove it
        raise BadInputError(f"`{out}` exists and is not an avtool artifact", "choose another --out folder")
    found = read_artifact(out).kind
    if found != kind:
        raise BadInputError(f"`{out}` is a {found} artifact, and no {kind}", "choose another --out folder")
    if not overwrite:
        check_settings(out, wanted)


def _check_unfinished(partial: Path, wanted: Mapping[str, Any], kind: Kind, overwrite: bool) -> None:
    if _is_blank(partial):
        return
    mark = partial / _UNFINISHED
    found = read_json(mark) if mark.is_file() else None
    if not isinstance(found, dict) or found.get("kind") != kind:
        what = f"an unfinished {found['kind']}" if isinstance(found, dict) and "kind" in found else "not ours"
        raise BadInputError(f"`{partial}` exists and is {what}", "choose another --out folder")
    if not overwrite and (partial / SETTINGS).is_file():
        check_settings(partial, wanted)


def _is_blank(folder: Path) -> bool:
    """Whether nothing is there, or no more than what a process left that was killed while it began."""
    return all(path.name.startswith(".") and path.name.endswith(".partial") for path in folder.iterdir())


def check_settings(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Refuses to resume what was begun with other settings than those of `settings.json` in `folder`.

    Raises:
        BadInputError: they differ; the message names up to three keys.
    """
    stored = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    if changed := _differences(stored if isinstance(stored, dict) else {}, wanted):
        message = f"`{folder}` was made with other settings ({changed})"
        raise BadInputError(message, "use the same settings to resume, or --overwrite, or another --out")


def _check_input(path: Path, out: Path, partial: Path) -> None:
    """Refuses an output in whose place an input would be lost."""
    real, target = Path(os.path.realpath(path)), Path(os.path.realpath(out))
    what = f"`{path}` is an input, and would be replaced"
    if real in {target, Path(os.path.realpath(partial))}:
        raise BadInputError(what, "choose another --out folder")
    if real.is_relative_to(target) and (out / CARD).is_file():
        name = real.relative_to(target).as_posix()
        if any(own == name or own.startswith(f"{name}/") for own in own_files(out)):
            raise BadInputError(f"{what} with `{out}`", "choose another --out folder")


def _recover(out: Path, partial: Path) -> None:
    """Undoes or completes what a process killed in `publish` had begun; the caller holds the lock."""
    old = out.with_name(f".{out.name}.old")
    with writing(out):
        if (old / CARD).is_file() and not out.exists():
            old.replace(out)
        if not (out / CARD).is_file():
            return
        (out / _UNFINISHED).unlink(missing_ok=True)
        if (partial / CARD).is_file() and not (partial / _UNFINISHED).is_file():  # changed places with `out`
            retire(partial, out, own_files(partial))
            lock_folder(partial)
        if (old / CARD).is_file():
            retire(old, out, own_files(old))


def retire(old: Path, new: Path, own: Collection[str]) -> None:
    """Removes a folder that another has replaced; files that are not its own move over to the new one.

    Args:
        old: the folder.
        new: the other.
        own: the files in `old` that may go, by relative name.
    """
    with writing(new):
        for place, folders, files in os.walk(old):
            links = [name for name in folders if (Path(place) / name).is_symlink()]
            for name in (*files, *links):
                path = Path(place) / name
                relative = path.relative_to(old)
                if relative.as_posix() in own:
                    path.unlink()
                else:
                    _move(path, new / relative)
        shutil.rmtree(old, ignore_errors=True)


def _move(path: Path, target: Path) -> None:
    while os.path.lexists(target):
        target = target.with_name(f"{target.name}.old")
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


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
