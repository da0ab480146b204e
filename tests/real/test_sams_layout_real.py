"""The published validation list of the Subtitle-Aligned Movie Sounds."""

import json
from collections import Counter

import pytest

from avtool.mining.sams_layout import read_sams_json, write_sams_json


@pytest.fixture(scope="module")
def published(test_data):
    return test_data / "sams" / "val.json"


def test_the_published_list_reads_with_its_known_facts(published):
    clips = read_sams_json(published)
    assert len(clips) == 9819
    assert len({clip.wav.split("/")[0] for clip in clips}) == 43
    shares = Counter(min(len(clip.labels), 2) for clip in clips)
    assert shares[1] / len(clips) == pytest.approx(0.946, abs=0.01)


def test_ours_has_the_keys_and_the_labels_of_the_published_list(published, tmp_path):
    write_sams_json(tmp_path / "val.json", read_sams_json(published))
    ours = json.loads((tmp_path / "val.json").read_text())["data"]
    theirs = [row for row in json.loads(published.read_text())["data"] if row["labels"].strip(",")]
    assert len(ours) == len(theirs)
    for mine, row in zip(ours, theirs, strict=True):
        assert set(mine) == {"wav", "labels", "sources"} <= set(row)
        for key in ("labels", "sources"):
            assert mine[key] == ",".join(dict.fromkeys(filter(None, row[key].split(","))))
