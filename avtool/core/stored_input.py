"""The copy of an artifact, or of a file, that stands at an address: fetched once, as its card lists it."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avtool.core.addresses import check_protocol, file_name, file_path, opened
from avtool.core.artifact import CARD, verify
from avtool.core.artifact_folder import CONTENTS, own_files
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, inside, without_passwords, writing
from avtool.core.parallel import one_at_a_time
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter, Silent

_TOGETHER = 200


def local_copy(address: str, reporter: Reporter | None = None) -> Path:
    """The path of an artifact or a file; what is elsewhere is copied whole into the cache.

    An artifact is copied again when its card has changed, and compared with the hashes in it.

    Args:
        address: such as `s3://bucket/events`, or `file:///data/events`.
        reporter: gets progress.

    Raises:
        BadInputError: nothing is there, or it cannot be read.
        CorruptArtifactError: the artifact is damaged.
        MissingError: the library of its protocol is not installed.
    """
    if check_protocol(address) == "file":
        return file_path(address)
    with opened(address) as (system, path):
        system.invalidate_cache()
        card = _card(system, path)
        if card is None and not system.isfile(path):
            message = f"`{without_passwords(address)}` is neither an artifact nor a file"
            raise BadInputError(message, "check the address; folders without a card are not copied")
        state = card if card is not None else str(system.ukey(path)).encode()
        key = hashlib.sha256(without_passwords(address).encode() + b"\n" + state).hexdigest()[:32]
        target = cache_folder() / "artifacts" / key / file_name(address.partition("://")[2].rstrip("/"))
        with one_at_a_time(target):
            if not target.exists():
                with _naming(without_passwords(address), target):
                    _fetch(system, path, target, card, reporter or Silent())
    return target


def is_artifact(address: str) -> bool:
    """Whether an artifact stands at an address; False where that cannot be found out."""
    try:
        with opened(address) as (system, path):
            return _card(system, path) is not None
    except AvtoolError:
        return False


def _card(system: Any, path: str) -> bytes | None:
    try:
        return bytes(system.cat_file(f"{path}/{CARD}"))
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def _naming(shown: str, target: Path) -> Iterator[None]:
    """Errors of the artifact name its address, not the folder that the copy is made in."""
    try:
        yield
    except AvtoolError as error:
        for place in (str(_partial(target)), str(target)):
            error.message, error.hint = (text.replace(place, shown) for text in (error.message, error.hint))
        raise


def _partial(target: Path) -> Path:
    return target.with_name(f"{target.name}.partial")


def _fetch(system: Any, path: str, target: Path, card: bytes | None, reporter: Reporter) -> None:
    if card is None:
        with atomic_file(target) as partial:
            system.get_file(path, str(partial))
        return
    partial = _partial(target)
    with writing(target):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (partial / CARD).write_bytes(card)
    if CONTENTS in own_files(partial) and system.exists(f"{path}/{CONTENTS}"):
        system.get_file(f"{path}/{CONTENTS}", str(partial / CONTENTS))
    names = sorted(own_files(partial) - {CARD, CONTENTS})
    places = [inside(partial, name) for name in names]
    with reporter.progress(f"copying {target.name}", len(names)) as progress:
        for begin in range(0, len(names), _TOGETHER):
            wanted = slice(begin, begin + _TOGETHER)
            for place in places[wanted]:
                place.parent.mkdir(parents=True, exist_ok=True)
            there, here = [f"{path}/{name}" for name in names[wanted]], [str(one) for one in places[wanted]]
            try:
                system.get(there, here)
            except FileNotFoundError as error:
                lost = [
                    name for name, one in zip(names[wanted], there, strict=True) if not system.exists(one)
                ]
                message = f"`{target}` lacks `{(lost or names[wanted])[0]}`, which its card lists"
                raise CorruptArtifactError(message, "make the artifact again") from error
            progress.advance(len(here))
    if problems := verify(partial):
        raise CorruptArtifactError(f"the copy of `{target}` is damaged: {problems[0]}", "copy it again")
    partial.rename(target)
