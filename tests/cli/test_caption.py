"""`avtool caption` as a user runs it: files, resume, merging, defaults, bad input."""

import csv
import io
import json
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from avtool.core.artifact import read_artifact, verify
from avtool.core.artifact_folder import partial_folder
from avtool.media.captions.cue import Cue
from avtool.media.captions.reading import read_captions
from avtool.media.captions.writing import write_captions
from tests.harness import (
    AVTOOL,
    RATE,
    call,
    class_tone,
    differences,
    noise,
    run_avtool,
    write_tones,
    write_wav,
)
from tests.meteor_data import small_phrase_table

QUICK = ["--model", "cnn_tiny", "--set", "data.audio.num_mel_bins=32", "--batch-size", 8, "--workers", 0]
PHRASES = "label,phrase,kind\nhigh,bell rings,event\nlow,engine hums,event\nnoise,,never\n"
LOW_AT, HIGH_AT = 2.0, 7.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of low tones, high tones, and the noise that both are in."""
    folder = tmp_path_factory.mktemp("model")
    media, data, out = write_tones(folder / "media"), folder / "data", folder / "run"
    for split, count in (("train", 8), ("val", 2)):
        for number in range(count):
            write_wav(media / split / "noise" / f"{number}.wav", noise(0.6, 0.02, seed=100 * count + number))
    assert call("prepare", media, "--out", data, "-q") == 0
    assert (
        call("finetune", data, *QUICK, "--device", "cpu", "--epochs", 10, "--lr", "0.01", "--out", out, "-q")
        == 0
    )
    return out


@pytest.fixture(scope="module")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phrases") / "own.csv"
    path.write_text(PHRASES, encoding="utf-8")
    return path


def write_film(path: Path, repeats: int = 1) -> Path:
    """A low tone at 2 s and a high one at 7 s, in noise, every 12 s."""
    film = noise(12.0, 0.02)
    for label, start in (("low", LOW_AT), ("high", HIGH_AT)):
        film[round(start * RATE) : round((start + 2) * RATE)] = class_tone(label, 2.0)[: 2 * RATE]
    return write_wav(path, np.tile(film, repeats))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.wav")


@pytest.fixture
def caption(model: Path, phrases: Path):
    def run(*arguments: object):
        more = ["--model", model, "--phrases", phrases, "--device", "cpu", "--no-progress"]
        return run_avtool("caption", *arguments, *more)

    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_film_gets_captions_in_every_format(caption, film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = caption(film, "--out", out, "--format", "vtt,srt,ttml,json", "--json")
    assert done.code == 0, done.stderr
    (one,) = done.json["films"]
    assert (one["status"], one["cues"], one["seconds"]) == ("captioned", 2, 12.0)
    for format_ in ("vtt", "srt", "ttml", "json"):
        cues = read_captions(out / f"film.en-sdh.{format_}").cues
        assert [cue.text for cue in cues] == ["[engine hums]", "[bell rings]"]
        assert [cue.start_ms / 1000 for cue in cues] == pytest.approx([LOW_AT, HIGH_AT], abs=0.3)
    assert "<video" in (out / "film.html").read_text(encoding="utf-8")
    assert "thresholds by class" in (out / "film.en-sdh.vtt").read_text(encoding="utf-8")
    assert {row["text"] for row in rows(out / "film.cues.csv")} == {"[engine hums]", "[bell rings]"}
    assert {row["label"] for row in rows(out / "events.csv")} == {"low", "high"}
    assert read_artifact(out, "predictions").inputs[0].kind == "model"
    assert verify(out) == []


def test_a_film_is_captioned_once_with_the_same_settings(caption, film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert caption(film, "--out", out).code == 0
    assert caption(film, "--out", out, "--json").json["films"][0]["status"] == "kept"
    other = caption(film, "--out", out, "--style", "bbc")
    assert other.code == 2
    assert "--overwrite" in other.stderr
    assert caption(film, "--out", out, "--style", "bbc", "--overwrite").code == 0
    assert read_captions(out / "film.en-sdh.vtt").cues[0].text == "ENGINE HUMS"
    write_film(film, repeats=2)
    assert caption(film, "--out", out, "--style", "bbc", "--json").json["films"][0]["status"] == "captioned"


def test_many_films_are_the_same_in_several_processes(caption, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    for name in ("a/film", "b/film", "third"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_film(folder / f"{name}.wav")
    assert caption(folder, "--out", tmp_path / "one").code == 0
    assert caption(folder, "--out", tmp_path / "two", "--jobs", 2).code == 0
    names = sorted(path.name for path in (tmp_path / "one").glob("*.vtt"))
    assert names == ["film-2.en-sdh.vtt", "film.en-sdh.vtt", "third.en-sdh.vtt"]
    assert differences(tmp_path / "two", tmp_path / "one") == []


def test_a_bad_film_is_listed_and_the_others_are_captioned(caption, film: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mkv"
    bad.write_bytes(b"no film")
    out = tmp_path / "out"
    done = caption(bad, film, "--out", out, "--json")
    assert done.code == 1
    assert [one["status"] for one in done.json["films"]] == ["failed", "captioned"]
    assert rows(out / "failures.csv")[0]["film"] == str(bad)
    assert caption(bad, film, "--out", tmp_path / "stopped", "--fail-fast").code == 2
    alone = caption(bad, "--out", tmp_path / "alone")
    assert (alone.code, (tmp_path / "alone").exists()) == (2, False)
    assert not partial_folder(tmp_path / "alone").exists()


def test_dialogue_is_merged_and_stays_as_it_is(caption, film: Path, tmp_path: Path) -> None:
    spoken = "1\n00:00:04,500 --> 00:00:06,000\nHello - there.\n\n2\n00:00:06,800 --> 00:00:10,500\nBye.\n"
    film.with_suffix(".srt").write_text(spoken, encoding="utf-8")
    out = tmp_path / "out"
    assert caption(film, "--out", out, "--merge", "auto").code == 0
    merged = read_captions(out / "film.en-sdh.srt").cues
    assert [cue.text for cue in merged if cue.text == "Hello - there."] == ["Hello - there."]
    assert any("Bye." in cue.text and "[bell rings]" in cue.text for cue in merged)
    broken = tmp_path / "broken.srt"
    broken.write_bytes(bytes(range(128, 256)) * 4)
    done = caption(film, "--out", tmp_path / "other", "--merge", broken)
    assert (done.code, done.stderr.count("\n")) == (2, 2), done.stderr


def test_dialogue_that_cannot_be_merged_is_named(caption, film: Path, tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.srt"
    spoken.write_text("1\n00:00:01,000 --> 00:00:02,000\nHi.\n", encoding="utf-8")
    second = write_film(tmp_path / "second.wav")
    several = caption(film, second, "--out", tmp_path / "out", "--merge", spoken)
    assert (several.code, "--merge" in several.stderr, "2 films" in several.stderr) == (2, True, True)
    absent = caption(film, "--out", tmp_path / "out", "--merge", tmp_path / "absent.srt")
    assert (absent.code, "--merge" in absent.stderr, "--captions" in absent.stderr) == (2, True, False)


def test_a_film_that_offers_no_dialogue_is_captioned_without(caption, film: Path, tmp_path: Path) -> None:
    second = write_film(tmp_path / "second.wav")
    second.with_suffix(".srt").write_text("1\n00:00:04,500 --> 00:00:06,000\nHi.\n", encoding="utf-8")
    out = tmp_path / "out"
    plan = caption(film, second, "--merge", "auto", "--dry-run", "--json").json["plan"]
    assert [one["dialogue"] for one in plan["films"]] == ["none", str(second.with_suffix(".srt"))]
    done = caption(film, second, "--out", out, "--merge", "auto")
    assert done.code == 0, done.stderr
    assert done.stderr.count("captioned without dialogue") == 1
    assert [cue.text for cue in read_captions(out / "film.en-sdh.vtt").cues] == [
        "[engine hums]",
        "[bell rings]",
    ]
    assert "Hi." in (out / "second.en-sdh.vtt").read_text(encoding="utf-8")


def test_dialogue_is_preferred_to_captions_that_describe_sounds(caption, film: Path, tmp_path: Path) -> None:
    for name, text in (("film.en.srt", "Hi."), ("film.en_sdh.srt", "[dog barks]"), ("film.fr.srt", "Salut.")):
        film.with_name(name).write_text(f"1\n00:00:04,500 --> 00:00:06,000\n{text}\n", encoding="utf-8")
    assert caption(film, "--out", tmp_path / "out", "--merge", "auto").code == 0
    texts = [cue.text for cue in read_captions(tmp_path / "out" / "film.en-sdh.vtt").cues]
    assert "Hi." in texts
    assert "[dog barks]" not in texts


def test_a_film_without_sounds_gets_empty_files(caption, tmp_path: Path) -> None:
    quiet = write_wav(tmp_path / "quiet.wav", np.zeros(3 * RATE, np.float32))
    done = caption(quiet, "--out", tmp_path / "out")
    assert done.code == 0
    assert "no sound event was detected" in done.stderr
    assert (tmp_path / "out" / "quiet.en-sdh.vtt").read_text(encoding="utf-8").startswith("WEBVTT")


def test_without_a_model_one_line_offers_a_download(film: Path, tmp_path: Path, cache: Path) -> None:
    done = run_avtool("caption", film, "--out", tmp_path / "out")
    assert done.code == 3
    assert "--download: YAMNet" in done.stderr
    assert "7.1 MB; licence: YAMNet's weights: Apache-2.0" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_plan_reads_headers_and_writes_nothing(caption, film: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    done = caption(film, tmp_path / "absent.mkv", "--dry-run", "--json")
    assert done.code == 1
    first, second = done.json["plan"]["films"]
    assert (first["seconds"], first["problem"]) == (12.0, "")
    assert "absent.mkv" in second["problem"]
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cps", "4"], "cps"),
        (["--style", "neflix"], "no caption style is called `neflix`"),
        (["--set", "style_keys={max_char=30}"], "max_char"),
        (["--format", "vtt,doc"], "`--format`: .*got 'doc'"),
        (["--set", "formats=['doc']"], "`formats.0`: .*got 'doc'"),
        (["--lang", "xx"], "no column `phrase`|no phrases in the language `xx`"),
        (["--threshold", "2"], "`--threshold`: input should be less than or equal to 1"),
        (["--thresholds", "absent.csv"], "cannot read the thresholds `absent.csv`"),
        (["--merge", "absent.srt"], "absent.srt"),
        (["--jobs", "0"], "there cannot be 0 processes"),
        (["--set", "decoding.nms=0.5"], "no learned captioner, and `decoding` is for those alone"),
    ],
)
def test_bad_settings_are_one_line(
    arguments: list[str],
    message: str,
    model: Path,
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    second = write_film(tmp_path / "second.wav")
    films = [film] if "--merge" in arguments else [film, second]
    done = run_avtool("caption", *films, "--model", model, "--out", "out", "--no-progress", *arguments)
    assert done.code == 2, done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("jobs", ["0", "-2"])
def test_no_processes_are_refused_for_one_film_too(jobs: str, caption, film: Path, tmp_path: Path) -> None:
    done = caption(film, "--out", tmp_path / "out", "--jobs", jobs)
    assert (done.code, f"there cannot be {jobs} processes" in done.stderr) == (2, True)
    assert list(tmp_path.glob("out*")) == []


def test_audio_files_beside_films_are_mentioned(caption, film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    (folder / "dubbed").mkdir(parents=True)
    film.rename(folder / "dubbed" / "film.wav")
    (folder / "film.mkv").write_bytes((folder / "dubbed" / "film.wav").read_bytes())  # a name makes a film
    plan = caption(folder, "--dry-run", "--json").json["plan"]
    assert ([one["film"] for one in plan["films"]], plan["skipped_audio"]) == ([str(folder / "film.mkv")], 1)
    done = caption(folder, "--out", tmp_path / "out", "--json")
    assert [one["film"] for one in done.json["films"]] == [str(folder / "film.mkv")]
    assert "not its 1 audio files: name them too" in done.stderr
    (folder / "film.mkv").unlink()
    assert "audio files" not in caption(folder, "--out", tmp_path / "again").stderr


def test_sounds_that_the_track_describes_are_not_written_twice(caption, film: Path, tmp_path: Path) -> None:
    cues = [(1000, 3000, "Hello."), (6500, 8500, "[BELL RINGING]")]
    write_captions([Cue(start, end, (text,)) for start, end, text in cues], film.with_suffix(".srt"))
    out = tmp_path / "out"
    done = caption(film, "--out", out, "--merge", "auto")
    assert done.code == 0, done.stderr
    assert "describes 1 of 2 sound events itself" in done.stderr
    texts = " ".join(cue.text for cue in read_captions(out / "film.en-sdh.vtt").cues)
    assert ("[engine hums]" in texts, "[bell rings]" in texts, "[BELL RINGING]" in texts) == (
        True,
        False,
        True,
    )
    dropped = {row["text"]: row["rule"] for row in rows(out / "film.cues.csv")}
    assert dropped["[bell rings]"] == "dropped: in the dialogue track already"


def test_dialogue_of_a_film_elsewhere_is_read_before_anything_is_left(
    caption, film: Path, tmp_path: Path, cache: Path
) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/films/film.wav", film.read_bytes())
    done = caption("memory://films/film.wav", "--merge", "stream:7", "--out", tmp_path / "out")
    assert (done.code, "#7" in done.stderr) == (2, True)
    assert not partial_folder(tmp_path / "out").exists()


def test_no_output_and_no_film_are_named(caption, film: Path) -> None:
    assert "add --out DIR" in caption(film).stderr
    assert run_avtool("caption").code == 2
    assert "no films given" in run_avtool("caption", "--out", "x").stderr


def test_names_come_from_stdin(caption, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# films\n{film}\n\n"))
    assert caption("-", "--out", tmp_path / "out", "--json").json["films"][0]["film"] == str(film)


def test_the_name_of_the_default_subcommand_may_be_given(caption, film: Path, tmp_path: Path) -> None:
    assert caption("films", film, "--out", tmp_path / "out").code == 0
    help_page = run_avtool("caption", "--help").stdout
    assert "calibrate" in help_page
    assert "--merge" in help_page


def test_a_killed_batch_resumes(model: Path, phrases: Path, tmp_path: Path) -> None:
    films = [write_film(tmp_path / f"film{number}.wav", repeats=5) for number in range(6)]
    out = tmp_path / "out"
    words = ["caption", *films, "--model", model, "--phrases", phrases, "--device", "cpu", "-q"]
    command = [*AVTOOL, *map(str, [*words, "--out", out])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = partial_folder(out) / "films"
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None and not any(parts.glob("*.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run_avtool(*words, "--out", out, "--json", "--no-progress")
    assert done.code == 0
    assert "kept" in {one["status"] for one in done.json["films"]}
    assert run_avtool(*words, "--out", tmp_path / "whole", "--no-progress").code == 0
    assert differences(out, tmp_path / "whole") == []


def test_noise_far_below_full_scale_is_silence(caption, tmp_path: Path) -> None:
    hiss = write_wav(tmp_path / "hiss.wav", noise(4.0, gain=1e-4))
    assert caption(hiss, "--out", tmp_path / "out", "--json").json["films"][0]["cues"] == 0


def test_the_benchmark_scores_a_model_as_it_scores_its_files(
    film: Path, model: Path, phrases: Path, caption, tmp_path: Path
):
    small_phrase_table(tmp_path)
    times = [(LOW_AT, "[engine hums]"), (HIGH_AT, "[bell ringing]")]
    cues = [Cue(round(1000 * start), round(1000 * start) + 2000, (text,)) for start, text in times]
    write_captions(cues, film.with_suffix(".srt"))
    out = tmp_path / "out"
    assert caption(film, "--out", out).code == 0
    evaluation = ("eval", "--benchmark", "sdh", "--data", film, "--json")
    by_model = run_avtool(*evaluation, "--model", model, "--phrases", phrases, "--device", "cpu")
    by_files = run_avtool(*evaluation, "--predictions", out)
    assert by_model.code == by_files.code == 0, by_model.stderr + by_files.stderr
    found = [result.json["report"]["metrics"]["onset"]["1"] for result in (by_model, by_files)]
    assert found[0] == found[1]
    assert found[0]["matched"] == 2
    alone = run_avtool("eval", "--benchmark", "sdh", "--data", film.with_suffix(".srt"), "--model", model)
    assert (alone.code, "is no film" in alone.stderr) == (2, True)


def test_thresholds_are_calibrated_on_mined_films(model: Path, tmp_path: Path) -> None:
    phrases = tmp_path / "own.csv"
    phrases.write_text(PHRASES.replace("engine hums", "dog barks"), encoding="utf-8")
    cue = "{number}\n00:00:{start:02}.000 --> 00:00:{end:02}.000\n[{text}]\n"
    for name in ("one", "two", "three"):
        film = write_film(tmp_path / f"{name}.wav", repeats=4)
        cues = [
            cue.format(number=number, start=start, end=start + 2, text=text)
            for number, (start, text) in enumerate(
                (12 * turn + at, text)
                for turn in range(4)
                for at, text in ((2, "dog barks"), (7, "bell rings"))
            )
        ]
        film.with_suffix(".vtt").write_text("WEBVTT\n\n" + "\n".join(cues), encoding="utf-8")
    films = [tmp_path / f"{name}.wav" for name in ("one", "two", "three")]
    mined, out = tmp_path / "mined", tmp_path / "calibrated"
    settings = ["--sync", "none", "--split", "none", "--no-progress", "-q"]
    assert run_avtool("mine-subtitles", *films, "--out", mined, *settings).code == 0
    words = ["--model", model, "--phrases", phrases, "--device", "cpu", "--no-progress"]
    done = run_avtool("caption", "calibrate", mined, "--out", out, "--json", *words)
    assert done.code == 0, done.stderr
    classes = {one["label"]: one for one in done.json["result"]["classes"]}
    assert {label: one["events"] for label, one in classes.items()} == {"low": 12, "high": 12}
    assert min(one["f1"] for one in classes.values()) > 0.8
    assert read_artifact(out, "report").inputs[0].kind == "dataset"
    more = ["--thresholds", out, "--out", tmp_path / "captions", "--json"]
    assert run_avtool("caption", films[0], *words, *more).json["films"][0]["cues"] >= 6
    wrong = run_avtool("caption", "calibrate", model, "--out", tmp_path / "other", *words)
    assert wrong.code in {2, 4}


def test_a_benchmark_of_dense_captions_scores_a_model(film: Path, model: Path, cache: Path, tmp_path: Path):
    small_phrase_table(tmp_path)
    references = tmp_path / "val_1.json"
    times = [[LOW_AT, LOW_AT + 2], [HIGH_AT, HIGH_AT + 2]]
    rows = {"timestamps": times, "sentences": ["Low.", "High."]}
    references.write_text(json.dumps({"v_film": rows, "v_gone": rows}), encoding="utf-8")
    evaluation = ("eval", "--benchmark", "activitynet-captions", "--data", references, "--device", "cpu")
    result = run_avtool(*evaluation, "--model", model, "--videos", film.parent, "--json")
    assert result.code == 0, result.stderr
    metrics = result.json["report"]["metrics"]
    assert metrics["missing_videos"] == 1
    assert metrics["submitted_videos_only"]["by_tiou"]["recall"][0] == 1
    for more, words in (((), "--videos"), (("--videos", cache), "holds no film")):
        refused = run_avtool(*evaluation, "--model", model, *more)
        assert (refused.code, words in refused.stderr) == (2, True)
