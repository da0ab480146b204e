import numpy as np
import pytest
from PIL import Image

from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.video import VideoInput
from avtool.data.manifest import Clip
from avtool.tasks.masked.samples import MaskedClipDataset
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.preview_sheet import preview_sheet
from avtool.tasks.temporal.samples import TemporalClipDataset
from tests.harness import make_manifest, write_grey_film

SOUND = AudioSettings(num_mel_bins=16)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    write_grey_film(folder / "film.mkv", 4.0)
    return make_manifest(folder, [Clip(f"c{n}", "film.mkv", 0.0, 4.0) for n in range(3)])


def test_two_rows_for_each_pair_of_clips(films, tmp_path):
    pairs = PairSettings(num_frames=4, size=16, audio_frames=40)
    source = FilmSource(SpanSettings(fps=10, short_side=48))
    samples = TemporalClipDataset(films, pairs, source, audio=SOUND, train=False)
    heights = {}
    for count in (1, 2, 9):
        preview_sheet(samples, count, tmp_path / "sheet.png", pairs.speeds)
        with Image.open(tmp_path / "sheet.png") as sheet:
            heights[count] = sheet.height
            pixels = np.asarray(sheet.convert("RGB"))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
    assert heights[2] == 2 * heights[1]
    assert heights[9] == 3 * heights[1]  # there are three clips


def test_what_a_masked_model_sees(films, tmp_path):
    video = VideoInput(VideoSettings(num_frames=4, seconds=2, size=16, short_side=16))
    seen = MaskedClipDataset(films, [AudioInput(SOUND, 40), video], noise={})
    heard = MaskedClipDataset(films, [AudioInput(SOUND, 40)], noise={})
    widths = []
    for samples in (seen, heard):
        preview_sheet(samples, 3, tmp_path / "sheet.png")
        with Image.open(tmp_path / "sheet.png") as sheet:
            widths.append(sheet.width)
    assert widths[0] > 2 * widths[1]
