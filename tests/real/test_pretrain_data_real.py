"""Real films, of several containers, codecs and frame rates, as pretraining sees them."""

import numpy as np
import pytest

from avtool.core.reporter import Silent
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.video_augment import as_float
from avtool.data.manifest import Clip, read_manifest, write_manifest
from avtool.data.shards.dataset import write_shards
from avtool.data.shards.recipe import ShardRecipe
from avtool.data.shards.source import open_shards
from avtool.media.video_frames import read_frames
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.samples import TemporalClipDataset

FILMS = {"bear_vp9_opus_3s.webm": 2.7, "his_girl_friday_6s.mp4": 5.0, "exo_london_240p_15s.mp4": 8.0}
SPANS = SpanSettings(fps=16, short_side=48)


@pytest.fixture(scope="module")
def films(test_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    clips = [Clip(name, str(test_data / "video" / name), 0.0, end) for name, end in FILMS.items()]
    write_manifest(folder, clips)
    return read_manifest(folder / "manifest.parquet")


def test_spans_of_real_films_are_their_pictures(films):
    source = FilmSource(SPANS)
    for clip in films:
        numbers = np.array([0, 7, 20, 33])
        expected, _ = read_frames(films.local(clip.video), (numbers / 16).tolist(), size=48)
        seen = source.frames(films, clip, numbers)
        assert np.abs(seen.astype(int) - expected).mean() < 0.5


def test_real_films_answer_questions_about_time(films):
    pairs = PairSettings(num_frames=8, size=32, audio_frames=48)
    dataset = TemporalClipDataset(films, pairs, FilmSource(SPANS), audio=AudioSettings(), crops=6)
    asked = dict.fromkeys(("video_direction_weight", "audio_direction_weight", "order_va_weight"), 0.0)
    for number in range(len(dataset)):
        sample = dataset[number]
        assert as_float(sample, "video").std() > 0.05
        for name in asked:
            asked[name] += float(sample[name].sum())
    assert all(asked.values())


def test_real_films_in_shards_are_the_same_films(films, tmp_path):
    pytest.importorskip("webdataset")
    settings = ShardRecipe(short_side=48, clips_per_shard=2, quality=95)
    written = write_shards(films.folder / "manifest.parquet", tmp_path / "shards", settings, Silent())
    assert (written.shards, written.clips, written.skipped) == (2, 3, {})
    manifest, packed = open_shards(written.out)
    source = FilmSource(SPANS)
    for clip in manifest:
        film = next(one for one in films if one.clip_id == clip.clip_id)
        numbers = np.array([0, 11, 30])
        expected = source.frames(films, film, numbers)
        assert np.abs(packed.frames(manifest, clip, numbers).astype(int) - expected).mean() < 4
        heard, said = packed.audio(manifest, clip, 0, 32000), source.audio(films, film, 0, 32000)
        assert np.abs(heard - said).max() < 1e-3
