"""The output of a command at an address: made in a folder of this machine, then sent, its card last.

Object stores have no rename. A reader takes a folder for an artifact when its `artifact.json` is there, which
is sent last, and removed first from what is replaced. `NAME.unfinished` beside it marks what is under way.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from avtool.core.addresses import file_name, opened
from avtool.core.artifact import CARD, Kind, read_artifact
from avtool.core.artifact_folder import CONTENTS, own_files
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.core.files import read_json, without_passwords, write_json
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter

_RESULT = "result.json"
_SENT = "sent.jsonl"
_MARK = b"avtool\n"
"""What `NAME.unfinished` holds."""
_TOGETHER = 200
"""Files that are sent in one call, which object stores take at the same time."""

State = tuple[str, int, int]
"""A staged file: name, size in bytes, modification time in nanoseconds."""


@dataclass(frozen=True)
class Printed:
    """What a command printed on stdout, and its exit code."""

    code: int
    stdout: str


@dataclass(frozen=True)
class Begun:
    """The kind of what stands at an address, and what a run printed whose output was not sent."""

    replaced: Kind | None
    printed: Printed | None


@dataclass(frozen=True)
class StoredOutput:
    """An artifact, or a file, that is written at an address.

    Attributes:
        address: of a known protocol, not `file`.
        settings: names what is computed: a result that could not be sent is kept for the same settings.
        overwrite: whether what stands there may be replaced.
    """

    address: str
    settings: str
    overwrite: bool = False

    @property
    def shown(self) -> str:
        """The address without passwords."""
        return without_passwords(self.address)

    @property
    def folder(self) -> Path:
        """Where the output is kept on this machine until all of it is sent."""
        name = hashlib.sha256(self.shown.encode()).hexdigest()[:32]
        return cache_folder() / "outputs" / name

    @property
    def staged(self) -> Path:
        """What the command writes on this machine."""
        return self.folder / file_name(self.address.partition("://")[2].rstrip("/"))

    def begin(self, *, dry_run: bool = False) -> "Begun":
        """Looks at the address, and makes sure that it can be written, before the work for it begins.

        Args:
            dry_run: write nothing there.

        Returns:
            What will be replaced, and what an earlier run printed where only sending its output had failed.

        Raises:
            BadInputError: something stands there that may not be replaced, or it cannot be written.
            MissingError: the library of its protocol is not installed.
        """
        with opened(self.address, "written") as (system, path):
            system.invalidate_cache()
            self._check(system, path)
            replaced: Kind | None = None
            if system.exists(f"{path}/{CARD}"):
                with self._cards(system, path) as place:
                    replaced = read_artifact(place).kind
            if not dry_run:
                system.pipe_file(_mark(path), _MARK)
        result = self.folder / _RESULT
        found = read_json(result) if result.is_file() else {}
        if found.get("settings") != self.settings or not self.staged.exists():
            return Begun(replaced, None)
        return Begun(replaced, Printed(int(found["code"]), str(found["stdout"])))

    def _check(self, system: Any, path: str) -> None:
        mark = _mark(path)
        if system.exists(mark):
            ours = system.isfile(mark) and system.size(mark) == len(_MARK) and system.cat_file(mark) == _MARK
            if not ours:
                message = f"`{_mark(self.shown.rstrip('/'))}` exists and is not avtool's"
                raise BadInputError(message, "choose another --out")
        if not path.strip("/") or system.isfile(path) or system.exists(f"{path}/{CARD}"):
            if not self.overwrite or not path.strip("/"):
                raise BadInputError(f"`{self.shown}` exists", "add --overwrite, or choose another --out")
        elif not system.exists(mark) and system.exists(path) and system.ls(path, detail=False):
            message = f"`{self.shown}` exists and is not an avtool artifact"
            raise BadInputError(message, "choose another --out")

    def abandon(self) -> None:
        """Takes the mark away where the command failed and left nothing to resume."""
        if self.folder.exists() and any(self.folder.iterdir()):
            return
        with opened(self.address, "written") as (system, path):
            if system.exists(_mark(path)):
                system.rm_file(_mark(path))

    def finish(self, printed: Printed, reporter: Reporter) -> None:
        """Sends what was made; a run that is killed here resumes with the files that are not there yet.

        Raises:
            BadInputError: the address cannot be written; what was made is kept for the next run.
        """
        if not self.staged.exists():
            self.abandon()
            return
        result = {"settings": self.settings, "code": printed.code, "stdout": printed.stdout}
        write_json(self.folder / _RESULT, result)
        try:
            with opened(self.address, "written") as (system, path):
                if self.staged.is_dir():
                    self._send_folder(system, path, reporter)
                else:
                    system.put_file(str(self.staged), path)
                system.rm_file(_mark(path))
        except BadInputError as error:
            hint = "repeat the command to send what was made"
            raise BadInputError(error.message, f"{error.hint}; {hint}" if error.hint else hint) from error
        shutil.rmtree(self.folder)

    def _send_folder(self, system: Any, path: str, reporter: Reporter) -> None:
        states = [_state(self.staged, file) for file in sorted(self.staged.rglob("*")) if file.is_file()]
        names = {name for name, *_ in states}
        if CARD not in names:
            raise BadInputError(f"`{self.staged}` is no artifact", "choose a folder with --out")
        old = self._replaced(system, path)
        sizes = _sizes(system, path)
        sent = self._journal()
        new = [one for one in states if one[0] != CARD and not (one in sent and sizes.get(one[0]) == one[1])]
        with reporter.progress(f"sending to {self.shown}", len(states)) as progress:
            progress.advance(len(states) - len(new) - 1)
            for begin in range(0, len(new), _TOGETHER):
                self._send(system, path, new[begin : begin + _TOGETHER])
                progress.advance(len(new[begin : begin + _TOGETHER]))
            for name in sorted(old & sizes.keys() - names - {CARD}):
                system.rm_file(f"{path}/{name}")
            self._check_sent(system, path, states)
            system.put_file(str(self.staged / CARD), f"{path}/{CARD}")
            progress.advance()

    @contextmanager
    def _cards(self, system: Any, path: str) -> Iterator[Path]:
        """A folder with what describes the artifact that stands there; errors in it name the address."""
        with TemporaryDirectory() as name:
            place = Path(name)
            for one in (CARD, CONTENTS):
                if system.exists(f"{path}/{one}"):
                    system.get_file(f"{path}/{one}", str(place / one))
            try:
                yield place
            except AvtoolError as error:
                error.message = error.message.replace(name, self.shown)
                raise

    def _replaced(self, system: Any, path: str) -> set[str]:
        """The files of the artifact that stands there, which stops to be one now."""
        if not system.exists(f"{path}/{CARD}"):
            return set()
        with self._cards(system, path) as place:
            there, here = read_artifact(place).kind, read_artifact(self.staged).kind
            if there != here:
                message = f"`{self.shown}` is a {there} artifact, and no {here}"
                raise BadInputError(message, "choose another --out")
            old = own_files(place)
        if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in old):
            raise CorruptArtifactError(f"`{self.shown}` lists files outside of it", "choose another --out")
        system.rm_file(f"{path}/{CARD}")
        return old

    def _send(self, system: Any, path: str, states: Sequence[State]) -> None:
        names = [name for name, *_ in states]
        system.put([str(self.staged / name) for name in names], [f"{path}/{name}" for name in names])
        with (self.folder / _SENT).open("a", encoding="utf-8") as journal:
            journal.writelines(json.dumps(state) + "\n" for state in states)

    def _check_sent(self, system: Any, path: str, states: Sequence[State]) -> None:
        sizes = _sizes(system, path)
        lost = [name for name, size, _ in states if name != CARD and sizes.get(name) != size]
        if lost:
            message = f"`{self.shown}`: {len(lost)} files did not arrive whole, such as `{lost[0]}`"
            raise BadInputError(message, "check the network")

    def _journal(self) -> set[State]:
        """What an interrupted run has sent."""
        path, sent = self.folder / _SENT, set()
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                name, size, changed = json.loads(line)
                sent.add((name, size, changed))
            except ValueError:  # the line that was being written
                continue
        return sent


def _mark(path: str) -> str:
    return f"{path}.unfinished"


def _state(folder: Path, file: Path) -> State:
    stat = file.stat()
    return file.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns


def _sizes(system: Any, path: str) -> dict[str, int]:
    """The files below a path, by their name in it, with their sizes in bytes."""
    system.invalidate_cache()
    if not system.exists(path):
        return {}
    found = system.find(path, detail=True)
    return {name.removeprefix(path).lstrip("/"): int(info["size"]) for name, info in found.items()}
