"""Download of a benchmark's data, checked before they take their place.

An archive that a server makes on demand has no fixed checksum: its content is checked instead, the table, the
folds, and the length and rate of every clip.
"""

import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from avtool.benchmarks.spec import BenchmarkSpec, DownloadSpec
from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.files import need_space, replace_folder, sha256_of, writing
from avtool.core.paths import data_folder
from avtool.core.reporter import Reporter

_MEGABYTE = 1_000_000

Check = Callable[[Path], None]


def download(spec: BenchmarkSpec, check: Check, reporter: Reporter) -> Path:
    """Downloads and unpacks a dataset into the folder of datasets, unless it is there.

    Args:
        spec: of a benchmark with a download.
        check: raises BadInputError where an unpacked folder is not the whole dataset.
        reporter: receives progress.

    Returns:
        The folder.

    Raises:
        MissingError: the download failed.
        CorruptArtifactError: the archive is damaged, or holds something else.
    """
    import pooch  # type: ignore[import-untyped]

    source = spec.data.download
    assert source is not None, "a benchmark with a download"
    folder = data_folder() / spec.data.folders[0]
    if folder.exists():
        return folder
    size = f"{source.archive_megabytes} MB" + (f", {spec.licence}" if spec.licence else "")
    reporter.info(f"downloading {spec.title} ({size}) from {source.url}; its checksum is unknown")
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    needed = (source.archive_megabytes + source.unpacked_megabytes) * _MEGABYTE
    need_space(folder.parent, needed, spec.title)
    pooch.get_logger().setLevel("ERROR")
    try:
        partial = f"{folder.name}.zip.partial"
        archive = Path(pooch.retrieve(source.url, known_hash=None, fname=partial, path=folder.parent))
    except OSError as error:  # requests' errors are OSErrors too
        if (response := getattr(error, "response", None)) is not None:
            response.close()  # pooch leaves it open
        message = f"cannot download {spec.title} from {source.url} ({type(error).__name__})"
        hint = f"unpack the archive into `{folder}` yourself, or set AVTOOL_DATA"
        raise MissingError(message, hint) from error
    reporter.info(f"SHA-256 of this copy: {sha256_of(archive)}")
    try:
        unpack(spec, archive, folder, check)
    finally:
        archive.unlink(missing_ok=True)
    return folder


def unpack(spec: BenchmarkSpec, archive: Path, folder: Path, check: Check) -> None:
    """Unpacks an archive, checks what it holds, and puts the folder into place; all or nothing.

    Raises:
        CorruptArtifactError: the archive is damaged, or holds something else.
    """
    assert spec.data.download is not None, "a benchmark with a download"
    partial = folder.with_name(f"{folder.name}.partial")
    with writing(partial):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    try:
        _extract(archive, partial, spec.data.download)
        check(partial)
        replace_folder(partial, folder)
    except BadInputError as error:
        message = f"`{archive.name}` is not the whole of {spec.title}: {error}"
        raise CorruptArtifactError(message, error.hint) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract(archive: Path, folder: Path, source: DownloadSpec) -> None:
    """Writes the wanted folders of the archive's one folder; the names of members are not trusted."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = [member for member in bundle.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > source.unpacked_megabytes * _MEGABYTE:
                raise CorruptArtifactError(f"`{archive.name}` unpacks to more than its benchmark has")
            for member in members:
                parts = PurePosixPath(member.filename).parts
                if len(parts) != 3 or parts[1] not in source.keep or ".." in parts:
                    continue
                target = folder / parts[1] / parts[2]
                with writing(target), bundle.open(member) as stream:
                    target.parent.mkdir(exist_ok=True)
                    with target.open("wb") as sink:
                        shutil.copyfileobj(stream, sink)
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:  # encrypted, unknown method
        message = f"`{archive.name}` is a damaged archive ({error})"
        raise CorruptArtifactError(message, "download again") from error
