"""Shards in the training loop's batches: the same for the same seed and epoch, divided, and gone on with."""

import pytest
import torch
from torch.utils.data import DataLoader

from avtool.core.reporter import Silent
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.collate import collate
from avtool.data.inputs.settings import AudioSettings
from avtool.data.samplers import make_order
from avtool.data.shards.dataset import write_shards
from avtool.data.shards.recipe import ShardRecipe
from avtool.data.shards.source import open_shards
from avtool.tasks.masked.samples import MaskedClipDataset
from avtool.training.loader import StepBatches
from avtool.training.plan import Plan
from tests.harness import chirp_clips

pytest.importorskip("webdataset")

SOUND = AudioSettings(num_mel_bins=16)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> MaskedClipDataset:
    folder = tmp_path_factory.mktemp("sounds")
    chirp_clips(folder, 12, 0.5)
    settings = ShardRecipe(clips_per_shard=4)
    out = write_shards(folder / "manifest.parquet", folder / "shards", settings, Silent()).out
    manifest, source = open_shards(out)
    return MaskedClipDataset(manifest, [AudioInput(SOUND, 20, source=source)], noise={"audio": 6})


def batches(clips, *, processes: int = 1, process: int = 0, first_step: int = 0, workers: int = 0):
    plan = Plan(2, 1, processes, 12 // (2 * processes), 9, 0, 0, 1)
    order = make_order("nearby", 12, 12, 2 * processes, 5, groups=clips.manifest.column("media"))
    sampler = StepBatches(order, plan, process, first_step)
    return list(DataLoader(clips, batch_sampler=sampler, collate_fn=collate, num_workers=workers))


def same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_goes_on_with_the_batches_that_it_would_have_had(clips):
    whole, rest = batches(clips), batches(clips, first_step=4)
    assert len(whole) == 9
    assert all(same(one, other) for one, other in zip(whole[4:], rest, strict=True))


def test_loader_processes_do_not_change_the_batches(clips):
    assert all(same(*pair) for pair in zip(batches(clips), batches(clips, workers=2), strict=True))


def test_processes_divide_each_batch(clips):
    whole = batches(clips)
    parts = [batches(clips, processes=2, process=process) for process in (0, 1)]
    seen = [int(n) for both in zip(*parts, strict=True) for batch in both for n in batch["index"]]
    assert sorted(seen[:12]) == list(range(12))
    assert sorted(int(n) for batch in whole[:6] for n in batch["index"]) == list(range(12))
