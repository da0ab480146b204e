"""Croissant metadata (MLCommons, 1.0) of a table of clips, written and validated by mlcroissant."""

import json
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from avtool.core.errors import SomeFailedError
from avtool.core.files import sha256_of, write_text
from avtool.core.requirements import require
from avtool.data.sharing.annotations import Annotations, write_table
from avtool.data.sharing.card import Facts
from avtool.data.sharing.public_table import public_table

TABLE = "clips.parquet"
METADATA = "croissant.json"
_RECORDS = "clips"
_FIRST_ROWS = 1000
_MEANINGS = {
    "clip_id": "Identity of the clip in the dataset",
    "film": "Name of the film in the dataset",
    "film_sha256": "SHA-256 of the film's file",
    "start": "Begin of the clip in its film, in seconds",
    "end": "End of the clip in its film, in seconds",
    "split": "train, val, test or empty",
    "labels": "Classes of the clip",
    "text": "Phrase that describes the clip",
    "group": "Recording: splits never cross it",
    "event_start": "Begin of the event in the film, in seconds",
    "event_end": "End of the event in the film, in seconds",
}


def write_croissant_table(folder: Path, annotations: Annotations) -> None:
    """Writes the table that the metadata describe.

    Raises:
        MissingError: `mlcroissant` is not installed.
    """
    require("mlcroissant", extra="share")
    write_table(folder / TABLE, public_table(annotations))


def write_metadata(folder: Path, facts: Facts) -> None:
    """Writes `croissant.json`, and has mlcroissant load it and read the first record.

    Args:
        folder: with the table.
        facts: of the dataset.

    Raises:
        SomeFailedError: mlcroissant refuses what was written.
    """
    mlc = require("mlcroissant", extra="share")
    with _quietly():
        metadata = mlc.Metadata(
            name=re.sub(r"[^\w-]+", "-", facts.name),
            description=facts.summary,
            license=[facts.license],
            url=facts.url,
            version="1.0.0",
            cite_as=facts.citation,
            distribution=[
                mlc.FileObject(
                    id=TABLE,
                    name=TABLE,
                    content_url=TABLE,
                    encoding_formats=["application/x-parquet"],
                    sha256=sha256_of(folder / TABLE),
                )
            ],
            record_sets=[
                mlc.RecordSet(
                    id=_RECORDS,
                    name=_RECORDS,
                    description="A record a clip",
                    fields=_fields(mlc, parquet.read_schema(folder / TABLE)),
                )
            ],
        )
        text = json.dumps(metadata.to_json(), indent=2, ensure_ascii=False, default=str)
    write_text(folder / METADATA, text + "\n")
    validate(folder)


def validate(folder: Path) -> None:
    """Has mlcroissant load the metadata of a folder and read the first record; needs no network.

    It reads whole tables into memory, and so the record is read from a table of the first rows.

    Raises:
        SomeFailedError: it refuses them; the message is its own.
    """
    mlc = require("mlcroissant", extra="share")
    with _quietly(), TemporaryDirectory() as name:
        rows = next(parquet.ParquetFile(folder / TABLE).iter_batches(_FIRST_ROWS))
        parquet.write_table(pa.Table.from_batches([rows]), Path(name) / TABLE)
        text = (folder / METADATA).read_text(encoding="utf-8")
        text = text.replace(sha256_of(folder / TABLE), sha256_of(Path(name) / TABLE))
        write_text(Path(name) / METADATA, text)
        try:
            mlc.Dataset(jsonld=str(folder / METADATA))
            next(iter(mlc.Dataset(jsonld=str(Path(name) / METADATA)).records(_RECORDS)))
        except Exception as error:  # its errors have no class in common
            first = (str(error).splitlines() or [type(error).__name__])[0]
            message = f"mlcroissant refuses `{folder / METADATA}`: {first:.300}"
            raise SomeFailedError(message, "report it with the dataset's columns") from error


def _fields(mlc: Any, schema: pa.Schema) -> list[Any]:
    return [
        mlc.Field(
            id=f"{_RECORDS}/{field.name}",
            name=field.name,
            description=_MEANINGS.get(field.name, f"Column {field.name} of the manifest"),
            data_types=_type(mlc, field.type.value_type if _is_list(field.type) else field.type),
            repeated=_is_list(field.type),
            source=mlc.Source(file_object=TABLE, extract=mlc.Extract(column=field.name)),
        )
        for field in schema
    ]


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _type(mlc: Any, kind: pa.DataType) -> Any:
    if pa.types.is_boolean(kind):
        return mlc.DataType.BOOL
    if pa.types.is_integer(kind):
        return mlc.DataType.INTEGER
    return mlc.DataType.FLOAT if pa.types.is_floating(kind) else mlc.DataType.TEXT


@contextmanager
def _quietly() -> Iterator[None]:
    """Silences the warnings and notices of mlcroissant and its libraries: errors are what counts here."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
