"""Styles by name, and from files."""

import json
import re

import pytest

from avtool.captioning.style import load_style, style_names
from avtool.core.errors import BadInputError
from tests.harness import REPOSITORY


def test_shipped_styles():
    assert style_names() == ["netflix", "dcmp", "bbc"]
    assert load_style() == load_style("netflix")
    assert load_style("bbc").case == "upper"
    assert load_style("dcmp", cps=13, fps=None).cps == 13
    assert [load_style(fps=fps).gap_ms for fps in (23.976, 24, 25, 60)] == [84, 84, 80, 34]


def test_a_style_of_ones_own(tmp_path):
    toml, js = tmp_path / "mine.toml", tmp_path / "mine.json"
    toml.write_text('base = "bbc"\nmax_chars = 40\n')
    js.write_text(json.dumps({"base": "bbc", "max_chars": 40}))
    assert load_style(toml) == load_style(str(js)) == load_style("bbc", max_chars=40)
    (tmp_path / "other.toml").write_text('extends = "mine.toml"\ncps = 12\n')
    assert load_style(tmp_path / "other.toml").max_chars == 40


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("netflx", None, "no caption style is called `netflx`"),
        ("a.toml", None, "cannot read recipe"),
        ("a.json", None, "is not there"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "[1]", "is no JSON object"),
        ("a.toml", "base = 'own'", "no style is called `own`"),
        ("a.toml", "cps = 50\nmax_linse = 3", "`cps`: .* got 50; unknown key `max_linse`"),
        ("a.toml", "min_duration = 3\nmax_duration = 2", "min_duration 3 s is over max_duration 2 s"),
        ("a.toml", "sustained_duration = 9", "sustained_duration 9 s is over max_duration 7 s"),
        ("a.toml", "opening = '<'", "`opening` is '<'"),
        ("a.toml", "cps = nan", "`cps`"),
        ("a.toml", "continues_every = 1", "continues_every is 1 s: give at least 10 s, or 0"),
    ],
)
def test_what_is_no_style_is_refused_in_one_line(tmp_path, monkeypatch, name, content, words):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadInputError, match=words) as caught:
        load_style(name)
    assert "\n" not in caught.value.message


def test_the_documented_table_is_that_of_the_styles():
    page = (REPOSITORY / "docs" / "explanation" / "sdh-captions.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*?)\| [^|]*\|$", page, re.MULTILINE))
    assert len(rows) == 7
    for key, cells in rows.items():
        numbers = [float(cell) for cell in cells.strip().split("|")]
        assert numbers == [round(getattr(load_style(name), key), 3) for name in style_names()], key
