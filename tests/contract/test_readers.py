"""Every reader of a layout through the same tests."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.data.readers.layouts import READERS


@pytest.mark.parametrize("name", READERS.names())
def test_a_reader_recognises_no_empty_folder_and_no_empty_file(name: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    (tmp_path / "folder").mkdir()
    reader = READERS.find(name)
    assert not reader.recognises(tmp_path / "folder")
    assert not reader.recognises(empty)
    assert reader.summary.endswith(".")


def test_a_layout_that_is_not_known_is_refused_with_the_recipe() -> None:
    with pytest.raises(BadInputError, match="no layout is called `esc5`") as caught:
        validate(PrepareRecipe, {"layout": "esc5"}, origin="the settings")
    assert "`esc50`" in caught.value.hint
