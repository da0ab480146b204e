"""Fetching ESC-50, which is free for non-commercial use, from its author's repository.

The archive is made on demand and copies with different checksums are in circulation, so that none can be
asked of a fresh download. What it holds is checked instead: the table, the folds, and every clip's length and
rate.
"""

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from avtool.benchmarks.esc50.dataset import SECONDS, find_esc
from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.files import need_space, replace_folder, sha256_of, writing
from avtool.core.paths import data_folder
from avtool.core.reporter import Reporter

URL = "https://github.com/karoldvl/ESC-50/archive/master.zip"
_SAMPLE_RATE = 44100
_ARCHIVE_BYTES = 700_000_000
_LARGEST_BYTES = 1_500_000_000
_KEPT = ("meta", "audio")


def download_esc50(reporter: Reporter, url: str = URL) -> Path:
    """Downloads and unpacks ESC-50 into the folder of data sets, unless it is there.

    Args:
        reporter: told what is fetched.
        url: of the archive.

    Returns:
        The folder.

    Raises:
        MissingError: the download failed.
        CorruptArtifactError: what came is not ESC-50.
    """
    import pooch  # type: ignore[import-untyped]

    folder = data_folder() / "esc50"
    if folder.exists():
        return folder
    reporter.info(f"downloading ESC-50 (600 MB, CC BY-NC 3.0) from {url}; its checksum is unknown")
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    need_space(folder.parent, _ARCHIVE_BYTES + _LARGEST_BYTES, "ESC-50")
    pooch.get_logger().setLevel("ERROR")
    try:
        archive = Path(pooch.retrieve(url, known_hash=None, fname="esc50.zip.partial", path=folder.parent))
    except OSError as error:  # requests' errors are OSErrors too
        if (response := getattr(error, "response", None)) is not None:
            response.close()  # pooch leaves it open
        message = f"cannot download ESC-50 from {url} ({type(error).__name__})"
        raise MissingError(
            message, f"unpack the archive into `{folder}` yourself, or set AVTOOL_DATA"
        ) from error
    reporter.info(f"SHA-256 of this copy: {sha256_of(archive)}")
    try:
        unpack_esc50(archive, folder)
    finally:
        archive.unlink(missing_ok=True)
    return folder


def unpack_esc50(archive: Path, folder: Path) -> None:
    """Unpacks the table and the clips, checks them, and puts the folder into place; all or nothing.

    Raises:
        CorruptArtifactError: the archive is damaged, or holds something else.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    with writing(partial):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    try:
        _extract(archive, partial)
        check_clips([clip.path for clip in find_esc("esc50", partial).clips])
        replace_folder(partial, folder)
    except BadInputError as error:
        raise CorruptArtifactError(
            f"`{archive.name}` is not the whole of ESC-50: {error}", error.hint
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_clips(paths: list[Path]) -> None:
    """Makes sure that every clip has 5 s at 44.1 kHz.

    Raises:
        BadInputError: one has not, or cannot be read.
    """
    import soundfile

    for path in paths:
        try:
            found = soundfile.info(path)
        except soundfile.LibsndfileError as error:
            raise BadInputError(f"`{path.name}` cannot be read ({error})") from error
        if (found.samplerate, found.frames) != (_SAMPLE_RATE, round(SECONDS * _SAMPLE_RATE)):
            message = f"`{path.name}` has {found.frames} samples at {found.samplerate} Hz"
            raise BadInputError(message, f"ESC-50 has {SECONDS:g} s at {_SAMPLE_RATE} Hz")


def _extract(archive: Path, folder: Path) -> None:
    """Writes `meta/…` and `audio/…` of the archive's one folder; the names of members are not trusted."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = [member for member in bundle.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > _LARGEST_BYTES:
                raise CorruptArtifactError(f"`{archive.name}` unpacks to more than ESC-50 has")
            for member in members:
                parts = PurePosixPath(member.filename).parts
                if len(parts) != 3 or parts[1] not in _KEPT or ".." in parts:
                    continue
                target = folder / parts[1] / parts[2]
                with writing(target), bundle.open(member) as source:
                    target.parent.mkdir(exist_ok=True)
                    with target.open("wb") as sink:
                        shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:  # encrypted, unknown method
        raise CorruptArtifactError(
            f"`{archive.name}` is a damaged archive ({error})", "download again"
        ) from error
