"""The model of `avtool caption` where none is named: the published tagger that is on this machine."""

from pathlib import Path

from avtool.core.errors import MissingError
from avtool.core.reporter import Reporter
from avtool.models.catalogue import fetched_folder, find_entry

_TAGGERS = ("yamnet",)
"""Of the catalogue, the best first."""


def choose_model(model: Path | None, reporter: Reporter, *, download: bool = False) -> Path:
    """The model to caption with.

    Args:
        model: the user's choice; None for the best published tagger that is on this machine.
        reporter: gets the choice, or size and licence of a download.
        download: whether a tagger may be downloaded where there is none.

    Raises:
        MissingError: there is none, and `download` is off, or the download failed.
    """
    if model is not None:
        return model
    for name in _TAGGERS:
        entry = find_entry(name)
        if (fetched_folder(name) / entry.file).is_file():
            reporter.info(f"model: {name}, on this machine; licence: {entry.licence}")
            return Path(name)
    name = _TAGGERS[0]
    if download:
        from avtool.models.fetch import fetch_weights

        fetch_weights(name, reporter)
        return Path(name)
    entry = find_entry(name)
    offer = f"{entry.title}, {entry.bytes / 1e6:.1f} MB; licence: {entry.licence}"
    raise MissingError(
        "no model is given, and no published tagger is on this machine", f"--download: {offer}"
    )
