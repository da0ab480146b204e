"""The film set of docs/results/captioning-learned.md: its Python runs as it stands there."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "results" / "captioning-learned.md"


@pytest.mark.slow
def test_the_films_of_the_page_are_made(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setenv("AVTOOL_TEST_DATA", str(test_data))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})
    made = {name: sorted(Path("films", name).glob("*.mkv")) for name in ("train", "test")}
    assert {name: len(films) for name, films in made.items()} == {"train": 12, "test": 3}
    assert all((film.parent / "films.csv").is_file() for films in made.values() for film in films)
