import io
import json
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from torch.utils.data import DataLoader

from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.reporter import Recorder, Silent
from avtool.data.dataset import open_dataset
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.video import VideoInput
from avtool.data.inputs.video_augment import as_float
from avtool.data.manifest import Clip, read_manifest
from avtool.data.shards.dataset import write_shards
from avtool.data.shards.recipe import ShardRecipe
from avtool.data.shards.source import open_shards
from avtool.tasks.masked.samples import MaskedClipDataset
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.samples import TemporalClipDataset
from tests.harness import chirp, make_manifest, write_chirp, write_grey_film

webdataset = pytest.importorskip("webdataset")

SMALL = ShardRecipe(fps=10, short_side=48, clips_per_shard=2, quality=95, seconds=3)
SPANS = SpanSettings(fps=10, short_side=48)
SOUND = AudioSettings(num_mel_bins=16)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Three films (one of them long), a sound, and a film that cannot be read."""
    folder = tmp_path_factory.mktemp("films")
    for number, seconds in enumerate((2.0, 2.5, 4.0)):
        write_grey_film(folder / f"{number}.mkv", seconds)
    write_chirp(folder / "sound.wav", 2.0)
    (folder / "broken.mkv").write_bytes(b"no film")
    clips = [
        Clip("a", "0.mkv", 0.0, 2.0, "train", 1, ("x", "y"), "a text", "g"),
        Clip("b", "1.mkv", 0.5, 2.5),
        Clip("long", "2.mkv", 0.0, 4.0, group="h"),
        Clip("sound", "sound.wav", 0.0, 2.0),
        Clip("broken", "broken.mkv", 0.0, 2.0),
    ]
    make_manifest(folder, clips)
    return folder / "manifest.parquet"


@pytest.fixture(scope="module")
def shards(dataset, tmp_path_factory) -> Path:
    return write_shards(dataset, tmp_path_factory.mktemp("out") / "shards", SMALL, Silent()).out


def by_id(manifest):
    return {clip.clip_id: clip for clip in manifest}


def test_shards_hold_what_the_data_set_has(dataset, tmp_path):
    recorder = Recorder()
    written = write_shards(dataset, tmp_path / "shards", SMALL, recorder)
    assert (written.shards, written.clips) == (3, 5)
    assert list(written.skipped) == ["broken"]
    assert len(recorder.warnings) == 1
    clips = by_id(read_manifest(written.out))
    assert set(clips) == {"a", "b", "long#0", "long#1", "sound"}
    a = clips["a"]
    assert (a.split, a.fold, a.labels, a.text, a.group) == ("train", 1, ("x", "y"), "a text", "g")
    assert a.duration == 2.0
    assert clips["long#1"].group == "h"
    assert clips["sound"].extras == {"has_audio": True, "has_video": False}
    assert a.media.startswith("shards/0000")


def test_pictures_and_sound_are_those_of_the_films(dataset, shards):
    films, source = read_manifest(dataset), FilmSource(SPANS)
    manifest, packed = open_shards(shards)
    for name in ("a", "b"):
        clip, film_clip = by_id(manifest)[name], by_id(films)[name]
        assert packed.frame_span(clip) == pytest.approx(source.frame_span(film_clip))
        numbers = np.array([3, 0, 15])
        difference = packed.frames(manifest, clip, numbers).astype(int) - source.frames(
            films, film_clip, numbers
        )
        assert np.abs(difference).max() <= 3
        heard = packed.audio(manifest, clip, 1000, 17000)
        assert heard == pytest.approx(source.audio(films, film_clip, 1000, 17000), abs=1e-4)


def test_data_sets_read_shards_as_they_read_films(dataset, shards):
    films, source = read_manifest(dataset).take([0, 1]), FilmSource(SPANS)
    manifest, packed = open_shards(shards)
    clips = manifest.take([manifest.column("clip_id").index(name) for name in ("a", "b")])
    video = VideoSettings(num_frames=4, seconds=1, size=32, short_side=32, scale=(1, 1), colour_jitter=0)
    one, other = (
        MaskedClipDataset(
            rows, [AudioInput(SOUND, 40, source=s), VideoInput(video, source=s)], noise={"audio": 5}
        )[1, 3]
        for rows, s in ((films, source), (clips, packed))
    )
    assert torch.equal(one["audio_noise"], other["audio_noise"])
    assert torch.allclose(as_float(one, "video"), as_float(other, "video"), atol=8 / 127)
    assert (one["audio"] - other["audio"]).abs().median() < 0.1


def test_pairs_of_clips_from_shards(shards):
    manifest, packed = open_shards(shards)
    pairs = PairSettings(num_frames=4, size=16, audio_frames=20, speeds=(1, 2))
    dataset = TemporalClipDataset(manifest, pairs, packed, audio=SOUND)
    sample = dataset[manifest.column("clip_id").index("a")]
    assert sample["video"].shape == (2, 4, 16, 16, 3)
    assert sample["video_direction_weight"].all()


def test_any_tool_for_shards_reads_ours(shards):
    samples = []
    for path in sorted((shards / "shards").glob("*.tar")):
        with path.open("rb") as stream:  # by itself the library leaves closing to chance
            files = webdataset.tariterators.tar_file_expander([{"url": str(path), "stream": stream}])
            samples += list(webdataset.tariterators.group_by_keys(files))
    assert len(samples) == 5
    sample = next(s for s in samples if json.loads(s["json"])["clip_id"] == "a")
    assert soundfile.read(io.BytesIO(sample["flac"]))[0].shape == (32000,)
    with Image.open(io.BytesIO(sample["0003.jpg"])) as picture:
        assert picture.size == (64, 48)


def write_foreign(path: Path, samples: list[dict]) -> None:
    with path.open("wb") as stream, webdataset.TarWriter(stream) as tar:
        for number, sample in enumerate(samples):
            tar.write({"__key__": f"sub.folder/{number}", **sample})


def wav(rate: int) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, chirp(2.0, rate), rate, format="WAV")
    return stream.getvalue()


def test_shards_of_others_are_read_too(tmp_path):
    picture = np.full((20, 30, 3), 90, np.uint8)
    samples = [
        {"wav": wav(44100), "json": {"text": "a dog", "labels": ["dog"], "fold": 2, "fps": 4}},
        {"2.png": picture + 2, "10.png": picture + 10, "1.png": picture + 1, "json": {"fps": 4}, "cls": 3},
    ]
    write_foreign(tmp_path / "part.tar", samples)
    manifest, source = open_shards(tmp_path / "part.tar")
    assert manifest.column("clip_id") == ["part/sub.folder/0", "part/sub.folder/1"]
    assert (manifest[0].text, manifest[0].labels, manifest[0].fold) == ("a dog", ("dog",), 2)
    assert [clip.duration for clip in manifest] == pytest.approx([2.0, 0.75])
    heard = source.audio(manifest, manifest[0], 0, 32000)
    assert heard == pytest.approx(chirp(2.0), abs=0.02)
    seen = source.frames(manifest, manifest[1], np.arange(4))
    assert [int(one.mean()) for one in seen] == [91, 92, 100, 100]


def test_what_is_written_does_not_depend_on_who_writes(dataset, shards, tmp_path):
    again = write_shards(dataset, tmp_path / "again", SMALL, Silent(), jobs=2).out
    for path in sorted((shards / "shards").glob("*.tar")):
        assert path.read_bytes() == (again / "shards" / path.name).read_bytes()
    assert (shards / "manifest.parquet").read_bytes() == (again / "manifest.parquet").read_bytes()


def test_finished_shards_are_kept(dataset, tmp_path):
    written = write_shards(dataset, tmp_path / "shards", SMALL, Silent())
    first = written.out / "shards" / "00000.tar"
    before = first.stat().st_mtime_ns
    assert write_shards(dataset, tmp_path / "shards", SMALL, Silent()) == written
    assert first.stat().st_mtime_ns == before
    assert not (tmp_path / "shards.partial").exists()
    (tmp_path / "shards").rename(tmp_path / "shards.partial")
    (tmp_path / "shards.partial" / "artifact.json").unlink()
    (tmp_path / "shards.partial" / "unfinished.json").write_text('{"kind": "dataset"}')
    (tmp_path / "shards.partial" / "shards" / "00001.skipped.json").unlink()
    assert write_shards(dataset, tmp_path / "shards", SMALL, Silent()) == written
    assert first.stat().st_mtime_ns == before
    with pytest.raises(BadInputError, match="other settings"):
        write_shards(dataset, tmp_path / "shards", ShardRecipe(), Silent())


def test_loader_processes_read_shards(shards):
    manifest, source = open_shards(shards)
    heard = MaskedClipDataset(manifest, [AudioInput(SOUND, 40, source=source)], noise={})
    here = heard[1]["audio"]
    loader = DataLoader(heard, batch_size=None, num_workers=1)
    assert torch.equal(list(loader)[1]["audio"], here)
    assert torch.equal(pickle.loads(pickle.dumps(heard))[1]["audio"], here)


def test_a_damaged_shard_is_told(tmp_path, shards):
    whole = (shards / "shards" / "00000.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match=r"cut\.tar` is (cut short|no whole tar file)"):
        open_shards(tmp_path / "cut.tar")
    (tmp_path / "no.tar").write_bytes(b"x" * 2000)
    with pytest.raises(BadInputError, match="no whole tar file"):
        open_shards(tmp_path / "no.tar")


def test_films_in_shards_are_for_commands_that_read_files(tmp_path):
    write_foreign(tmp_path / "films.tar", [{"mp4": write_grey_film(tmp_path / "f.mp4", 1.0).read_bytes()}])
    with pytest.raises(BadInputError, match=r"`sub\.folder/0\.mp4` in `.*films.tar` is a film"):
        open_shards(tmp_path / "films.tar")
    manifest = open_dataset(tmp_path / "films.tar")
    assert manifest.has_video(manifest[0])
    assert manifest[0].duration == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", ["missing.tar", "."])
def test_no_shards_at_all(tmp_path, name):
    with pytest.raises(BadInputError, match=r"does not exist|no shards in"):
        open_shards(tmp_path / name)


def test_a_damaged_picture_names_its_shard(tmp_path):
    write_foreign(tmp_path / "part.tar", [{"0.jpg": b"no picture", "json": {"fps": 4}}])
    manifest, source = open_shards(tmp_path / "part.tar")
    with pytest.raises(BadInputError, match=r"frame 0 of `sub\.folder/0` in `.*part\.tar` cannot be read"):
        source.frames(manifest, manifest[0], np.array([0]))


def test_names_in_shards_lead_nowhere(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        for name in ("../../evil.json", "/etc/evil.json"):
            info = tarfile.TarInfo(name)
            body = json.dumps({"clip_id": name, "seconds": 1}).encode()
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        link = tarfile.TarInfo("link.flac")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    manifest, _ = open_shards(tmp_path / "evil.tar")
    assert set(manifest.column("media")) == {"evil.tar"}
    assert not any(clip.extras["has_audio"] for clip in manifest)


def test_a_damaged_table_is_told(dataset, tmp_path):
    out = write_shards(dataset, tmp_path / "shards", SMALL, Silent()).out
    (out / "shards" / "index.parquet").write_bytes(b"no table")
    with pytest.raises(CorruptArtifactError, match=r"index\.parquet` is damaged"):
        open_shards(out)


def test_the_library_is_asked_for(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    with pytest.raises(MissingError, match="needs `webdataset`") as caught:
        write_shards(dataset, tmp_path / "shards", SMALL, Silent())
    assert caught.value.hint == "pip install 'avtool[webdataset]'"
    assert not (tmp_path / "shards.partial").exists()
