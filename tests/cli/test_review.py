"""`avtool review` as a user runs it: what is served and refused, exit codes, and what decisions change."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as parquet
import pytest
import soundfile

from avtool.core.artifact import read_artifact, verify
from avtool.jobs.review.events import open_review
from avtool.media.captions.reading import read_captions
from avtool.mining.review.decisions import Decision
from avtool.mining.review.journal import Journal, read_decisions
from avtool.synthetic.make_film import make_film
from tests.chromium import serving
from tests.harness import AVTOOL, call, environment, run_avtool, run_avtool_apart
from tests.reviewed_events import write_captioned_film, write_events

pytest.importorskip("starlette", reason="the extra `review` is not installed")


class Client:
    """Requests to a served review, with any headers."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.host, self.base = parts.netloc, parts.path

    def send(
        self, path: str, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, Any, bytes]:
        """Status, headers and body of the response to a path below the token."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        given = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None and "Content-Type" not in given:
            given["Content-Type"] = "application/json"
        text = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.putrequest(method, self.base + path, skip_host=True)
        for name, value in {**given, **({"Content-Length": str(len(text))} if text else {})}.items():
            connection.putheader(name, value)
        connection.endheaders(text)
        response = connection.getresponse()
        found = response.status, response.headers, response.read()
        connection.close()
        return found

    def post(self, path: str, **values: Any) -> dict[str, Any]:
        """The JSON of an accepted decision."""
        status, _, body = self.send(path, "POST", {"reviewer": "ada", **values})
        assert status == 200, body
        return json.loads(body)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    """A review of eight events, and their dataset."""
    events = write_events(tmp_path_factory.mktemp("events"), 8)
    with serving("review", events, "--reviewer", "ada") as printed:
        assert printed["review"]["events"] == 8
        yield Client(printed["review"]["address"]), events


def test_every_request_needs_the_token_and_our_host(served):
    client, _ = served
    status, headers, body = client.send("")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"page/main.js" in body
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    port = client.host.rpartition(":")[2]
    assert client.send("", Host=f"localhost:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{int(port) + 1}", ""):
        assert client.send("api/events", Host=host)[0] == 404
    base = client.base
    for wrong in (
        "/",
        base[:-1],
        base[:-2] + "/",
        base[1:],
        "/" + "x" * 32 + "/",
        "/%00/",
        base.upper() + "/",
    ):
        other = Client(f"http://{client.host}")
        other.base = wrong if wrong.startswith("/") else f"/{wrong[:-3]}/"
        assert other.send("")[0] == 404, wrong
    status, _, body = client.send("api/undo", "POST", {"reviewer": "x"}, Origin="http://evil.example")
    assert (status, body) == (404, b"not found\n")


@pytest.mark.parametrize(
    "path",
    [
        "page/..%2fapp.py", "page/%2e%2e%2fapp.py", "page/../app.py", "page//etc/passwd", "page/app.py",
        "../../etc/passwd", "audio/99?start=0&end=1", "audio/-1?start=0&end=1", "audio/x?start=0&end=1",
        "audio/..%2f..%2fetc%2fpasswd?start=0&end=1", "openapi.json", "api/decide", "page/index.html%00.js",
        f"audio/{'9' * 5000}?start=0&end=1",
    ],
)  # fmt: skip
def test_nothing_but_the_page_and_the_films_is_served(served, path: str):
    assert served[0].send(path)[0] in {404, 405}


def test_audio_by_ranges_spectrogram_and_bounds(served, tmp_path: Path):
    client, _ = served
    status, headers, whole = client.send("audio/0?start=0.5&end=3.25")
    assert (status, headers["content-type"], headers["accept-ranges"]) == (200, "audio/wav", "bytes")
    (tmp_path / "span.wav").write_bytes(whole)
    samples, rate = soundfile.read(tmp_path / "span.wav")
    assert (rate, len(samples)) == (16_000, 44_000)
    assert (
        abs(samples[: rate // 2]).max() < 1e-3 < abs(samples[rate // 2 : rate]).max()
    )  # the event begins at 1 s
    status, headers, part = client.send("audio/0?start=0.5&end=3.25", Range="bytes=100-199")
    assert (status, headers["content-range"], part) == (206, f"bytes 100-199/{len(whole)}", whole[100:200])
    assert client.send("audio/0?start=0.5&end=3.25", Range="bytes=9999999-")[0] == 416
    status, headers, image = client.send("spectrogram/0?start=0.5&end=3.25")
    assert (status, image[:4]) == (200, b"\x89PNG")
    assert client.send("strip/0?start=0.5&end=3.25")[0] == 204  # no video
    for span in (
        "start=0&end=61",
        "start=3&end=3",
        "start=-1&end=1",
        "start=nan&end=1",
        "start=0&end=inf",
        "start=0",
    ):
        assert client.send(f"audio/0?{span}")[0] in {400, 404}, span


def test_requests_that_make_no_sense_are_refused(served):
    client, events = served
    before = len(read_decisions(events / "review.parquet")) if (events / "review.jsonl").stat().st_size else 0
    good = {"reviewer": "ada", "event_id": "film0/00001-1", "action": "accept"}
    bad = [
        {**good, "action": "burn"}, {**good, "event_id": "film0/no"}, {**good, "extra": 1},
        {**good, "reviewer": ""}, {**good, "reviewer": "x" * 61}, {**good, "action": "move", "start": -1},
        {**good, "action": "move", "start": 9}, {**good, "action": "relabel", "sounds": ["a,b"]},
        {**good, "action": "relabel", "sounds": ["x"] * 33},
        {**good, "action": "merge", "other": "film0/00001-1"},
        {**good, "action": "split", "at": 1.0}, {**good, "action": "edit", "text": "\x00"}, [], 3, "x",
    ]  # fmt: skip
    for body in bad:
        status, _, text = client.send("api/decide", "POST", body)
        assert status in {409, 422}, (body, status)
        assert json.loads(text)["error"]
    assert client.send("api/decide", "POST", b"{", Content_Type="application/json")[0] == 422
    assert client.send("api/decide", "POST", good, Content_Type="text/plain")[0] == 415
    assert client.send("api/decide", "POST", b" " * 70_000)[0] == 413
    assert client.send("api/changes?since=-1")[0] == 400
    journal = events / "review.parquet"
    assert before == (len(read_decisions(journal)) if (events / "review.jsonl").stat().st_size else 0)


def test_moves_stay_inside_the_film(served):
    client, _ = served
    move = {"reviewer": "ada", "event_id": "film0/00008-1", "action": "move"}
    status, _, text = client.send(
        "api/decide", "POST", {**move, "end": 34.01}
    )  # eight events of 4 s, and 2 s
    assert status == 409
    assert json.loads(text)["error"] == "the film ends at 34.00 s (put the border before its end)"
    status, _, text = client.send("api/decide", "POST", {**move, "start": 30.0, "end": 29.0})
    assert (status, json.loads(text)["error"].split(" (")[0]) == (409, "an event lasts at least 0.02 s")
    found = client.post("api/decide", **move, start=30.0, end=34.0)["events"]["film0/00008-1"]
    assert (found["start"], found["end"]) == (30.0, 34.0)
    client.post("api/undo")


@pytest.mark.parametrize("deleted", [False, True])
def test_a_dataset_that_is_moved_or_deleted_under_the_server(tmp_path: Path, deleted: bool):
    events, elsewhere = write_events(tmp_path, 3), tmp_path / "elsewhere"
    command = [*AVTOOL, "review", str(events), "--no-open", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        client = Client(json.loads(process.stdout.readline())["review"]["address"])
        accept = {"reviewer": "ada", "event_id": "film0/00001-1", "action": "accept"}
        client.post("api/decide", **accept)
        events.rename(elsewhere)
        if deleted:
            shutil.rmtree(elsewhere)
        what = "deleted" if deleted else "moved"
        for path, body in (
            ("api/decide", accept),
            ("api/undo", {"reviewer": "ada"}),
            ("api/changes?since=0", None),
        ):
            status, _, text = client.send(path, "POST" if body else "GET", body)
            assert status == 409
            assert f"`{events}` was {what} while it was reviewed" in json.loads(text)["error"]
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 2, said
    lines = said.splitlines()
    assert "Traceback" not in said
    assert sum(line.startswith("warning: ") for line in lines) == 1
    assert lines[-2].startswith(f"error: `{events}` was {what} while it was reviewed; its decisions are")
    if not deleted:
        assert [row.action for row in read_decisions(elsewhere / "review.parquet")] == ["accept"]
    assert not events.exists()


def test_one_review_a_dataset_and_a_busy_port(served):
    events = served[1]
    found = run_avtool("review", events, "--no-open")
    assert (found.code, "another `avtool review` writes" in found.stderr) == (2, True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        found = run_avtool("review", events, "--no-open", "--port", port)
    assert found.code == 2
    assert found.stderr.splitlines()[0] == f"error: port {port} is taken by another program"


def test_absent_libraries_and_bad_input(tmp_path: Path):
    events = write_events(tmp_path, 1)
    hide = "import sys; sys.modules['starlette'] = None; from avtool.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hide, "review", str(events), "--no-open"],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "pip install 'avtool[review]'" in done.stderr
    for arguments in (
        ["review", tmp_path / "none"],
        ["review", "agreement", events],
        ["review", "captions", events],
    ):
        out = ["--out", tmp_path / "out"] if "captions" in arguments else []
        found = run_avtool(*arguments, *out, *([] if len(arguments) == 3 else ["--no-open"]))
        assert found.code == 2, found.stderr
        assert found.stderr.startswith("error: ")


def test_more_events_than_a_page_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("avtool.jobs.review.events._MOST", 4)
    events = write_events(tmp_path, 5)
    refused = run_avtool("review", events, "--no-open")
    assert refused.code == 2
    assert refused.stderr.splitlines() == [
        f"error: `{events}` has 5 events, and a page holds at most 4",
        "hint: review a Parquet table of some of its rows beside its manifest, with the same columns",
    ]
    some = events / "some.parquet"
    parquet.write_table(parquet.read_table(events / "manifest.parquet").slice(0, 3), some)
    assert len(open_review(some).events) == 3


def test_agreement_of_two_reviewers(tmp_path: Path):
    events = write_events(tmp_path, 6)
    journal = Journal(events / "review.parquet")
    for name, verdicts in (("ada", "aaarrr"), ("ben", "aarrra")):
        for number, verdict in enumerate(verdicts, 1):
            full = {"a": "accepted", "r": "rejected"}[verdict]
            row = Decision(
                f"{name}{number}", f"film0/{number:05d}-1", verdict=full, reviewer=name, seconds=number
            )
            journal.append([row])
    relabelled = Decision(
        "x", "film0/00002-1", action="relabel", sounds=("bark",), verdict="accepted", reviewer="ben"
    )
    journal.append([relabelled])
    journal.close()
    found = run_avtool("review", "agreement", events, "--json").json["agreement"]
    [pair] = found["pairs"]
    assert (pair["events"], pair["same_verdict"]) == (6, 4)
    assert pair["kappa"] == pytest.approx((4 / 6 - 0.5) / 0.5, abs=1e-4)  # chance: half of each
    assert (pair["accepted"], pair["same_sounds"]) == (2, 1)
    assert pair["differing"] == ["film0/00002-1", "film0/00003-1", "film0/00006-1"]
    assert [one["reviewer"] for one in found["reviewers"]] == ["ada", "ben"]
    assert "0.333" in run_avtool("review", "agreement", events).stdout


def test_agreement_counts_events_that_mining_dropped_and_no_other_captions(tmp_path: Path):
    events, journal = write_events(tmp_path, 3), Journal(tmp_path / "review.parquet")
    given = [
        ("film0/00001-1", "accepted", "rejected", None),
        ("film0/00002-1", "accepted", "accepted", "[another caption]"),
        ("film0/00009-1", "accepted", "rejected", None),  # rejected, and no longer in the dataset
    ]
    for event, ada, ben, tag in given:
        for name, verdict in (("ada", ada), ("ben", ben)):
            journal.append([Decision(f"{name}{event}", event, verdict=verdict, reviewer=name, tag=tag)])
    journal.close()
    found = run_avtool("review", "agreement", events, "--review", journal.path, "--json").json["agreement"]
    [pair] = found["pairs"]
    assert (pair["events"], pair["same_verdict"], pair["accepted"]) == (2, 0, 0)
    assert pair["differing"] == ["film0/00001-1", "film0/00009-1"]
    other = Journal(tmp_path / "other.parquet")
    other.append([Decision("x", "elsewhere/00001-1", verdict="accepted", reviewer="ada")])
    other.close()
    refused = run_avtool("review", "agreement", events, "--review", other.path)
    assert (refused.code, "no decision of" in refused.stderr) == (2, True)


def test_decisions_on_other_captions_are_not_shown(tmp_path: Path):
    events = write_events(tmp_path, 2)
    journal = Journal(events / "review.parquet")
    journal.append([Decision("a", "film0/00001-1", verdict="rejected", tag="[another caption]")])
    journal.append([Decision("b", "film0/00002-1", verdict="accepted", sounds=("ring",))])
    journal.close()
    with serving("review", events) as printed:
        assert printed["review"]["decided"] == 1
        client = Client(printed["review"]["address"])
        assert list(json.loads(client.send("api/events")[2])["decided"]) == ["film0/00002-1"]
        client.post("api/decide", event_id="film0/00001-1", action="accept")
        change = json.loads(client.send("api/changes?since=2")[2])["events"]["film0/00001-1"]
        assert (change["verdict"], change["sounds"]) == ("accepted", ["bark"])


def test_reviewers_are_blind_to_each_other(tmp_path: Path):
    with serving("review", write_events(tmp_path, 2), "--blind") as printed:
        client = Client(printed["review"]["address"])
        client.post("api/decide", event_id="film0/00001-1", action="reject")
        seen = {
            name: json.loads(client.send(f"api/events?reviewer={name}")[2])["decided"]
            for name in ("ada", "ben")
        }
        assert (len(seen["ada"]), len(seen["ben"])) == (1, 0)


def test_mining_applies_decisions_and_redoes_their_films_only(tmp_path: Path):
    for seed in range(2):
        make_film(
            tmp_path / "films", seed=seed, minutes=0.5, name=f"film{seed}", video="none", style="netflix"
        )
    mine = ["mine-subtitles", tmp_path / "films", "--out", tmp_path / "events", "--sync", "none", "-q"]
    assert call(*mine) == 0
    before = _rows(tmp_path / "events")
    other_film = [row for row in before if row["group"] == "film1"]
    first, second, third = [row for row in before if row["group"] == "film0"][:3]
    with serving("review", tmp_path / "events") as printed:
        client = Client(printed["review"]["address"])
        client.post("api/decide", event_id=first["clip_id"], action="reject")
        client.post(
            "api/decide", event_id=second["clip_id"], action="relabel", sounds=["roar"], sources=["lion"]
        )
        moved = {"start": third["event_start"] + 0.25, "end": third["event_end"] + 0.5}
        client.post("api/decide", event_id=third["clip_id"], action="move", **moved)
        client.post("api/decide", event_id=third["clip_id"], action="split")
        journal = Path(printed["review"]["review"])
    found = run_avtool(*mine[:-1], "--review", journal, "--json")
    assert found.code == 0, found.stderr
    status = {film["film_id"]: film["status"] for film in found.json["films"]}
    assert status == {"film0": "mined", "film1": "kept"}
    after = {row["clip_id"]: row for row in _rows(tmp_path / "events")}
    assert first["clip_id"] not in after
    assert after[second["clip_id"]]["labels"] == ["roar"]
    assert after[second["clip_id"]]["rule_id"] == "review"
    row, part = after[third["clip_id"]], after[f"{third['clip_id']}+2"]
    assert row["event_start"] == pytest.approx(moved["start"], abs=1e-3)
    assert row["event_end"] == part["event_start"]
    for one in (row, part):
        samples, rate = soundfile.read(tmp_path / "events" / one["media"])
        assert len(samples) / rate == pytest.approx(one["film_end"] - one["film_start"], abs=1e-3)
    assert [row for row in after.values() if row["group"] == "film1"] == other_film
    assert verify(tmp_path / "events") == []
    assert "review" in {used.kind for used in map(_kind, read_artifact(tmp_path / "events").inputs)}
    assert journal.is_file()  # no file of the artifact, and not removed with it


def _kind(used: Any) -> Any:
    from avtool.core.artifact import Input

    return used if isinstance(used, Input) else Input(**used)


def _rows(dataset: Path) -> list[dict[str, Any]]:
    return parquet.read_table(dataset / "manifest.parquet").to_pylist()


def test_training_sees_the_reviewed_clips(tmp_path: Path):
    events = write_events(tmp_path, 16)
    journal = Journal(events / "review.parquet")
    journal.append([Decision("1", "film0/00001-1", verdict="rejected")])
    journal.append([Decision("2", "film0/00002-1", verdict="accepted", sounds=("thunder",))])
    journal.close()
    plan = ["finetune", events, "--model", "cnn_tiny", "--device", "cpu", "--dry-run", "--json"]
    before = run_avtool(*plan).json["plan"]
    after = run_avtool(*plan, "--set", f"data.review={events / 'review.parquet'}").json["plan"]
    assert (before["train_clips"], after["train_clips"]) == (14, 13)
    assert before["out"] != after["out"]  # another run: what a review leaves is an input
    journal = Journal(events / "review.parquet")
    journal.append([Decision("3", "film0/00003-1", verdict="", action="clear")])
    journal.close()
    assert run_avtool(*plan, "--set", f"data.review={tmp_path / 'none.parquet'}").code == 2


def test_captions_are_reviewed_and_written(tmp_path: Path):
    folder = tmp_path / "captions"
    write_captioned_film(folder)
    with serving("review", folder) as printed:
        assert (printed["review"]["kind"], printed["review"]["events"]) == ("captions", 3)
        client = Client(printed["review"]["address"])
        events = json.loads(client.send("api/events")[2])["events"]
        assert [event["text"] for event in events] == ["[dog barks]", "[door slams]", "[bell rings]"]
        client.post("api/decide", event_id=events[0]["event_id"], action="edit", text="[dog growls]")
        client.post("api/decide", event_id=events[1]["event_id"], action="reject")
        client.post("api/decide", event_id=events[2]["event_id"], action="move", start=9.5, end=11.0)
    found = run_avtool(
        "review", "captions", folder, "--out", tmp_path / "out", "--format", "vtt,srt", "--json"
    )
    assert found.code == 0, found.stderr
    for suffix in ("vtt", "srt"):
        cues = read_captions(tmp_path / "out" / f"film.en-sdh.{suffix}").cues
        shown = [(cue.start_ms, cue.end_ms, cue.text) for cue in cues]
        assert shown == [
            (1000, 2500, "[dog growls]"), (4000, 6000, "Who is there?"), (9500, 11000, "[bell rings]"),
        ]  # fmt: skip
    assert verify(tmp_path / "out") == []
    assert found.stderr == ""
    elsewhere = Journal(tmp_path / "other.parquet")
    elsewhere.append([Decision("x", "another/00001", verdict="rejected")])
    elsewhere.close()
    other = run_avtool("review", "captions", folder, "--out", tmp_path / "other", "--review", elsewhere.path)
    assert (other.code, "1 decisions of" in other.stderr) == (0, True)
    file = run_avtool("review", "captions", tmp_path / "out" / "film.en-sdh.srt", "--out", tmp_path / "srt")
    assert (file.code, "holds no captions" in file.stderr) == (2, True)
    assert (found.json["films"][0]["changed"], found.json["films"][0]["rejected"]) == (2, 1)


def test_doubtful_events_of_a_model(tmp_path: Path):
    events = write_events(tmp_path, 24)
    run = tmp_path / "run"
    tiny = ["--model", "cnn_tiny", "--set", "data.audio.num_mel_bins=32", "--seconds", "1.5", "--workers", 0]
    train = ["finetune", events, *tiny, "--batch-size", 8, "--device", "cpu", "--epochs", 1, "--out", run]
    assert call(*train, "-q") == 0
    with serving("review", events, "--model", run) as printed:
        found = json.loads(Client(printed["review"]["address"]).send("api/events")[2])
    predicted = [event["predicted"] for event in found["events"]]
    assert len(predicted) == 24
    for event, one in zip(found["events"], predicted, strict=True):
        assert 0 <= one["doubt"] <= 1
        assert one["disagrees"] == (one["label"] not in event["sounds"])
    scores = run_avtool_apart("predict", events, "--model", run, "--out", tmp_path / "scores", "--json")
    labels = {one["name"]: (one["label"], one["probability"]) for one in scores.json["files"]}
    assert {
        e["event_id"]: (p["label"], p["probability"]) for e, p in zip(found["events"], predicted, strict=True)
    } == labels
