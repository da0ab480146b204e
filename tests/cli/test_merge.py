"""`--shard i/n` and `avtool merge`: what parts of a batch add up to is what one machine writes."""

import json
import shutil
from pathlib import Path

import pytest

from avtool.synthetic.make_film import make_film
from tests.harness import Result, differences, run_avtool, save_encoder, save_tagger, write_sine

FAST = ("--sync", "none", "--no-progress", "-q")
TIMED = {"film.json", "report.json", "report.html"}
LABELS = ("bell", "dog", "engine")


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> Path:
    """Five files of audio, of which the third is damaged."""
    folder = tmp_path_factory.mktemp("media")
    for number in range(5):
        write_sine(folder / f"{number}.wav", 1.0 + number / 5, 0.1 + number / 10)
    (folder / "2.wav").write_bytes(b"no audio")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A classifier of random weights."""
    return save_tagger(tmp_path_factory.mktemp("model") / "model", LABELS)


def shards(count: int, out: Path, *command: object) -> list[Path]:
    """Runs every shard of a command; where each wrote."""
    outs = [out.with_name(f"shard{number}-{out.name}") for number in range(1, count + 1)]
    for number, one in enumerate(outs, 1):
        done = run_avtool(*command, "--out", one, "--shard", f"{number}/{count}", "-q")
        assert done.code in {0, 1} or (done.code == 2 and not one.exists()), done.stderr
    return [one for one in outs if one.exists()]


def merge(parts: list[Path], out: Path, *options: object) -> Result:
    return run_avtool("merge", *parts, "--out", out, "-q", "--json", *options)


@pytest.mark.parametrize("count", [2, 3])
def test_merged_films_are_the_dataset_of_one_machine(count, tmp_path):
    films = tmp_path / "films"
    for number in range(5):
        make_film(films, seed=number, minutes=0.3, name=f"film{number}", video="none", style="netflix")
    (films / "film2.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n")  # no sound cue
    command = ("mine-subtitles", films, *FAST, "--split", "0.6,0.2,0.2", "--min-count", 1)
    assert run_avtool(*command, "--out", tmp_path / "whole").code == 1
    parts = shards(count, tmp_path / "events", *command)
    if len(parts) < count:  # the damaged film is alone in its shard, which has nothing to write
        assert merge(parts, tmp_path / "events").code == 2
        done = merge(parts[::-1], tmp_path / "events", "--complete")
    else:
        done = merge(parts[::-1], tmp_path / "events")
    assert done.code == 1, done.stderr
    assert done.json["result"] == {
        "out": str(tmp_path / "events"), "verb": "mine-subtitles", "inputs": 5, "failed": 1,
    }  # fmt: skip
    found = differences(tmp_path / "whole", tmp_path / "events")
    assert [name for name in found if Path(name).name not in TIMED] == []
    clip = next(path for path in (tmp_path / "events" / "clips").rglob("*.wav"))
    assert clip.stat().st_nlink > 1, "cut once, in its shard"


def test_merged_predictions_are_those_of_one_machine(media, model, tmp_path):
    command = ("predict", media, "--model", model, "--events", "--device", "cpu")
    assert run_avtool(*command, "--out", tmp_path / "whole", "-q").code == 1
    done = merge(shards(2, tmp_path / "scores", *command), tmp_path / "scores")
    assert done.code == 1, done.stderr
    assert (done.json["result"]["inputs"], done.json["result"]["failed"]) == (5, 1)
    assert differences(tmp_path / "whole", tmp_path / "scores") == []


def test_merged_captions_are_those_of_one_machine(media, model, tmp_path):
    phrases = tmp_path / "phrases.csv"
    phrases.write_text("label,phrase,kind\nbell,bell rings,event\ndog,dog barks,event\nengine,,never\n")
    command = ("caption", media, "--model", model, "--phrases", phrases, "--device", "cpu", "--no-preview")
    assert run_avtool(*command, "--out", tmp_path / "whole", "-q").code == 1
    done = merge(shards(2, tmp_path / "captions", *command), tmp_path / "captions")
    assert done.code == 1, done.stderr
    assert differences(tmp_path / "whole", tmp_path / "captions") == []


@pytest.mark.parametrize("count", [2, 5])
def test_merged_features_are_those_of_one_machine(count, media, tmp_path):
    save_encoder(tmp_path / "encoder")
    command = ("embed", media, "--encoder", tmp_path / "encoder", "--device", "cpu", "--hop", "0.2")
    assert run_avtool(*command, "--out", tmp_path / "whole.parquet", "-q").code == 1
    parts = [tmp_path / f"{number}.parquet" for number in range(1, count + 1)]
    for number, part in enumerate(parts, 1):
        done = run_avtool(*command, "--out", part, "--shard", f"{number}/{count}", "-q")
        assert done.code in {0, 1, 2}
    if count == 5:  # one file a shard, and the damaged one's shard has nothing to write
        assert not parts[2].exists()
        assert merge([part for part in parts if part.exists()], tmp_path / "out.parquet").code == 2
        return
    done = merge(parts[::-1], tmp_path / "out.parquet")
    assert done.code == 1, done.stderr
    assert (done.json["result"]["inputs"], done.json["result"]["failed"]) == (5, 1)
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/2/3", "-1/2", "1/99999999999999999", "²/³"])
def test_a_shard_that_cannot_be_is_one_line(text, media, model, tmp_path):
    done = run_avtool("predict", media, "--model", model, "--out", tmp_path / "out", f"--shard={text}")
    assert done.code == 2
    assert "is no shard" in done.stderr


def test_shards_that_do_not_belong_together_are_refused(media, model, tmp_path):
    command = ("predict", media, "--model", model, "--device", "cpu")
    one, two = shards(2, tmp_path / "a", *command)
    three = shards(3, tmp_path / "b", *command)
    out = tmp_path / "out"
    for parts, reason in (
        ([one], "shard 2/2 is missing"),
        ([one, one, two], "shard 1/2 is given twice"),
        ([one, three[0]], "of different batches"),
        ([one, media], "is no shard of a batch"),
        ([one, tmp_path / "nothing"], "is no shard of a batch"),
    ):
        done = merge(parts, out)
        assert done.code == 2, reason
        assert reason in done.stderr
    assert not out.exists()
    assert run_avtool(*command, "--out", one, "--shard", "2/2").code == 2, "another shard stands there"
    copy = tmp_path / "copy"
    shutil.copytree(two, copy)
    card = json.loads((copy / "shard.json").read_text())
    first = json.loads((one / "shard.json").read_text())
    for broken in ({}, {**card, "arguments": []}, {**card, "index": "x"}):
        (copy / "shard.json").write_text(json.dumps(broken))
        assert merge([one, copy], out).code in {2, 4}
    for path, values in ((one, first), (copy, card)):
        (path / "shard.json").write_text(json.dumps({**values, "arguments": {"sources": 7}}))
    assert merge([one, copy], out).code == 4
    assert run_avtool("predict", media, "--model", model, "--out", out, "--shard", "9/9").code == 2
