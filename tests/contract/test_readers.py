"""Every reader of a layout through the same tests."""

from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.data.readers.layouts import READERS
from avtool.data.readers.source import ReadOptions
from tests.layouts import make_layouts, sample_of

OF_LISTS = sorted({*READERS.names()} - {"dataset"})
"""Those whose samples need no media."""


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_layouts(tmp_path_factory.mktemp("layouts"))


@pytest.mark.parametrize("name", READERS.names())
def test_a_reader_recognises_its_own_layout_alone(name: str, layouts: Path) -> None:
    reader = READERS.find(name)
    found = {layout for layout in OF_LISTS if reader.recognises(sample_of(layouts, layout))}
    assert found >= {name} & {*OF_LISTS}
    assert reader.generic or found <= {name}


@pytest.mark.parametrize("name", OF_LISTS)
def test_what_is_read_is_whole(name: str, layouts: Path) -> None:
    source = READERS.find(name).read(sample_of(layouts, name), ReadOptions())
    assert source.layout == name
    assert source.clips
    assert len({clip.clip_id for clip in source.clips}) == len(source.clips)
    for clip in source.clips:
        assert clip.media
        assert clip.group
        assert clip.where
        assert clip.end is None or clip.end > clip.start >= 0
    known = {one.label for classes in source.classes.values() for one in classes}
    assert not known or all(label in known for clip in source.clips for label in clip.labels)


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
