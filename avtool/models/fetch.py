"""Published weights fetched into the cache: a download, its checksum, and the files that are kept of it."""

import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.files import need_space, replace_folder, sha256_of, writing
from avtool.core.reporter import Reporter
from avtool.core.writers import lock_folder, release_folder
from avtool.models.catalogue import CatalogueEntry, fetched_folder, find_entry

_UNPACKED = 4
"""How many times its size a download may unpack to."""


@dataclass(frozen=True)
class Fetched:
    """Weights in the cache, and whether they have been there before."""

    file: Path
    kept: bool


def fetch_weights(name: str, reporter: Reporter, *, catalogue: Path | None = None) -> Fetched:
    """Downloads the weights of a name, unless they are in the cache, and checks every file.

    Args:
        name: in the catalogue.
        reporter: gets size and licence before the download.
        catalogue: a file of entries of one's own; None for avtool's.

    Raises:
        BadInputError: there is no such name.
        MissingError: the download failed.
        CorruptArtifactError: what was downloaded is not what the catalogue names.
    """
    entry, folder = find_entry(name, catalogue), fetched_folder(name)
    if all(
        (folder / file).is_file() and sha256_of(folder / file) == sum_ for file, sum_ in entry.files.items()
    ):
        return Fetched(folder / entry.file, kept=True)
    reporter.info(f"{entry.title}: {entry.bytes / 1e6:.1f} MB from {entry.url}; licence: {entry.licence}")
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        lock_folder(partial)
    except BadInputError as error:  # another process downloads them
        raise BadInputError(error.message, "wait until it is done, then repeat the command") from error
    try:
        for left in partial.iterdir():
            left.unlink()
        need_space(partial, (1 + _UNPACKED) * entry.bytes, entry.title)
        download = _download(name, entry, partial, reporter)
        for file, sum_ in entry.files.items():
            _keep(entry, download, file, partial / file)
            if sha256_of(partial / file) != sum_:
                raise CorruptArtifactError(f"`{file}` of `{name}` has another checksum", "report it")
        if download.name not in entry.files:
            download.unlink()
        replace_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        release_folder(partial)
    return Fetched(folder / entry.file, kept=False)


def _download(name: str, entry: CatalogueEntry, folder: Path, reporter: Reporter) -> Path:
    import pooch  # type: ignore[import-untyped]

    pooch.get_logger().setLevel("ERROR")
    target = PurePosixPath(entry.url).name
    try:
        with reporter.progress(f"downloading {name}", None):
            return Path(pooch.retrieve(entry.url, f"sha256:{entry.sha256}", fname=target, path=folder))
    except OSError as error:  # requests' errors are OSErrors too
        if (response := getattr(error, "response", None)) is not None:
            response.close()  # pooch leaves it open
        message = f"cannot download the weights `{name}` from {entry.url} ({type(error).__name__})"
        hint = f"connect to the network, or put {', '.join(entry.files)} into `{fetched_folder(name)}`"
        raise MissingError(message, hint) from error
    except ValueError as error:  # pooch's word for another checksum
        message = f"the download of `{name}` has another checksum than the catalogue"
        raise CorruptArtifactError(
            message, "try again; if it persists, the file has changed there"
        ) from error


def _keep(entry: CatalogueEntry, download: Path, file: str, target: Path) -> None:
    """Takes a file out of the download, unless the download is that file; members' folders are not taken."""
    if download.name == file:
        return
    try:
        with zipfile.ZipFile(download) as outer:
            if not entry.archive:
                _extract(outer, file, target, _UNPACKED * entry.bytes)
                return
            with outer.open(entry.archive) as stream, zipfile.ZipFile(stream) as inner:
                _extract(inner, file, target, _UNPACKED * entry.bytes)
    except (zipfile.BadZipFile, KeyError, RuntimeError, EOFError, zlib.error) as error:
        raise CorruptArtifactError(f"`{download.name}` has no `{file}` ({error})", "report it") from error


def _extract(bundle: zipfile.ZipFile, file: str, target: Path, limit: int) -> None:
    members = [member for member in bundle.infolist() if PurePosixPath(member.filename).name == file]
    if not members:
        raise KeyError(file)
    if members[0].file_size > limit:
        raise CorruptArtifactError(f"`{file}` unpacks to more than its catalogue entry allows", "report it")
    with writing(target), bundle.open(members[0]) as stream, target.open("wb") as sink:
        shutil.copyfileobj(stream, sink)
