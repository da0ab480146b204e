"""Every pair of film and captions in the test data: a sane result, or the one line that says why not."""

import pytest

from avtool.cli.main import run

SDH, VIDEO, EDGE = "captions/sdh_cues", "video", "video_edge"
NO_SOUND = "has no audio stream"
NO_TAGS = "no sound cues in"

PAIRS = [
    (f"{SDH}/popeye p1 vobsub no-audio.mkv", f"{SDH}/popeye p1.eng.srt", NO_SOUND),
    (f"{SDH}/popeye p2 vobsub no-audio.mkv", f"{SDH}/popeye p2.eng.srt", NO_SOUND),
    (f"{SDH}/popeye p2 pgs no-audio.mkv", "", NO_SOUND),
    (f"{VIDEO}/nasa_webb_cleanroom_13s_captioned.mp4", "", NO_TAGS),
    (f"{VIDEO}/nasa_webb_cleanroom_13s_captioned.mp4", "stream:5", NO_TAGS),
    (f"{VIDEO}/his_girl_friday_6s.mp4", "", NO_TAGS),
    (f"{VIDEO}/tears_of_steel_battle_70s.webm", "captions/films/tears_of_steel.en.srt", NO_TAGS),
    (f"{VIDEO}/hls_tears_of_steel/video-069.ts", f"{VIDEO}/hls_tears_of_steel/vtt-069.vtt", NO_TAGS),
    (f"{VIDEO}/hls_tears_of_steel/video-069.ts", f"{VIDEO}/hls_tears_of_steel/playlist-vtt.m3u8", NO_TAGS),
    (f"{VIDEO}/hls_tears_of_steel/index.m3u8", "", "is not a readable film or audio file"),
    (f"{EDGE}/exo_sample_with_srt.mkv", "", NO_TAGS),
    (f"{EDGE}/exo_sample_with_ssa_subtitles.mkv", "", NO_TAGS),
    (f"{EDGE}/exo_sample_with_vtt_subtitles.mkv", "", NO_TAGS),
    (f"{EDGE}/exo_sample_with_null_terminated_srt.mkv", "", NO_TAGS),
    (f"{EDGE}/cea608_in_video_no_audio.ts", "", NO_SOUND),
    (f"{EDGE}/tractor_no_audio.webm", f"{SDH}/popeye p1.eng.srt", NO_SOUND),
    (f"{EDGE}/broken-file.ogg", f"{SDH}/popeye p1.eng.srt", "broken-file.ogg"),
]


def named(test_data, captions: str) -> str:
    return str(test_data / captions) if "." in captions else captions or "auto"


@pytest.mark.parametrize(("film", "captions", "reason"), PAIRS)
def test_what_cannot_be_mined_says_why_in_one_line(test_data, tmp_path, capsys, film, captions, reason):
    chosen = ["--captions", named(test_data, captions)]
    assert run(["mine-subtitles", str(test_data / film), *chosen, "--out", str(tmp_path / "out"), "-q"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert reason in errors[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("film", ["tears_of_steel_battle_70s.webm", "big_buck_bunny_480p_30s_surround.mp4"])
def test_captions_with_sounds_give_events_at_their_own_times(test_data, tmp_path, film):
    """Four dialogue cues are too few to synchronise by: the times stay, and the exit code is 1."""
    out = tmp_path / "out"
    captions = str(test_data / SDH / "popeye p1.eng.srt")
    assert (
        run(
            ["mine-subtitles", str(test_data / VIDEO / film), "--captions", captions, "--out", str(out), "-q"]
        )
        == 1
    )
    import pyarrow.parquet as parquet

    (first, *_) = parquet.read_table(out / "manifest.parquet").to_pylist()
    assert set(first["sounds"]) == {"bark", "roar"}
    assert (first["event_start"], first["event_end"]) == (0.0, 4.0)
    assert first["conf"] < 0.9
