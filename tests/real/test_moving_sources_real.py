from avtool.core.reporter import Silent
from avtool.data.manifest import read_manifest
from avtool.data.moving_sources import make_av_clips
from avtool.synthetic.moving_sources import ClipSettings


def test_recordings_of_esc_10_keep_their_folds(test_data, tmp_path):
    settings = ClipSettings(seconds=2.0, size=32, fps=8)
    made = make_av_clips(tmp_path / "clips", test_data / "esc10", Silent(), count=20, settings=settings)
    manifest = read_manifest(made.out)
    assert len(made.classes) == 10
    folds: dict[str, set[int]] = {}
    for clip in manifest:
        assert clip.extras["recording"].startswith(f"{clip.fold}-{clip.group}-")
        folds.setdefault(clip.group, set()).add(clip.fold)
    assert all(len(found) == 1 for found in folds.values())
