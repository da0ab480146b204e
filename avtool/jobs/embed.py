"""The features that an encoder gives of any files, window by window, as one Parquet file."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.batch import Wording, gather
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import check_own_output, sha256_of, writing
from avtool.core.reporter import Reporter
from avtool.core.shard import WHOLE, Shard
from avtool.core.version import __version__
from avtool.core.writers import lock_folder, release_folder
from avtool.data.feature_table import join_tables, read_card
from avtool.data.items import find_items
from avtool.inference.embedding import EmbeddedFile, embed_apart, part_name
from avtool.inference.recipes import EmbedRecipe
from avtool.media.addresses import local_path
from avtool.models.model_files import WEIGHTS
from avtool.models.source import full_name

_OF_THE_MACHINE = {"runtime", "batch_size", "split", "folds"}
_WORDING = Wording("embedding", "embedded", "files")


@dataclass(frozen=True)
class EmbedResult:
    """The table that was written, its rows, the width of a feature, each file, and the wall time."""

    out: Path
    rows: int
    width: int
    modality: str
    files: list[EmbeddedFile]
    seconds: float

    @property
    def failed(self) -> list[EmbeddedFile]:
        """The files that could not be embedded."""
        return [file for file in self.files if file.status == "failed"]


def embed(
    sources: Sequence[str],
    encoder: Path,
    out: Path,
    recipe: EmbedRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    shard: Shard = WHOLE,
) -> EmbedResult:
    """Embeds every file; memory does not grow with their duration, and an interrupted call can be resumed.

    Args:
        sources: files, folders, and datasets.
        encoder: a model, a run, or a checkpoint.
        out: the Parquet file to write; beside it stands a folder `….parts` until it is whole.
        recipe: the settings.
        reporter: gets progress and the files that fail.
        jobs: processes, each of which loads the encoder; -1 for one a processor.
        overwrite: replace an older file.
        fail_fast: stop at the first file that fails.
        shard: the part of the files that is embedded here.

    Raises:
        AvtoolError: the encoder cannot be used, or no file could be embedded (a single file's own error).
    """
    begin = time.perf_counter()
    from avtool.inference.predictor import Predictor
    from avtool.models.encoder import need_encoder
    from avtool.models.foreign import locate

    check_own_output(
        out, map(local_path, sources), read_card, "holds no features of avtool", overwrite=overwrite
    )
    if recipe.hop and recipe.windows:
        raise BadInputError("--hop and --windows are both given", "give one of them")
    predictor = Predictor(encoder, recipe.runtime, reporter).only(recipe.modality)
    need_encoder(predictor.model, str(encoder))
    images = "image" in predictor.inputs
    items = find_items(sources, split=recipe.split, folds=recipe.folds, images=images, shard=shard)
    card = {
        "avtool": __version__,
        "encoder": full_name(encoder),
        "weights": sha256_of(locate(encoder) / WEIGHTS),
        "modality": predictor.modality,
        "hop": None if recipe.windows else recipe.hop or predictor.inputs.hop or predictor.inputs.seconds,
        "settings": recipe.model_dump(mode="json", exclude=_OF_THE_MACHINE),
    }
    parts = out.with_name(f"{out.name}.parts")
    lock_folder(parts)
    with writing(parts):
        for path in parts.glob("*.parquet") if overwrite else ():
            path.unlink()
    embedded = embed_apart(items, parts, predictor, recipe, card, jobs=jobs)
    alone = len(items) == 1
    try:
        ended = gather(
            embedded,
            len(items),
            _WORDING,
            reporter,
            fail_fast=fail_fast or alone,
            name=lambda file: file.name,
        )
    except AvtoolError:
        _remove_if_empty(parts)
        raise
    files = [ended[item.name] for item in items]
    done = [parts / part_name(item) for item, file in zip(items, files, strict=True) if file.error is None]
    width = int(read_card(done[0])["width"])
    part = (
        {} if shard.whole else {"shard": [shard.index, shard.count], "names": [item.name for item in items]}
    )
    rows = join_tables(done, out, {**card, "width": width, **part})
    _remove(parts)
    return EmbedResult(out, rows, width, predictor.modality, files, round(time.perf_counter() - begin, 3))


def _remove(parts: Path) -> None:
    for path in parts.glob("*.parquet"):
        if read_card(path):  # ours
            path.unlink()
    _remove_if_empty(parts)


def _remove_if_empty(parts: Path) -> None:
    if not any(parts.iterdir()):
        parts.rmdir()
    release_folder(parts)
