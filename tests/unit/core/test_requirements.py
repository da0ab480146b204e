import pytest

from avtool.core.errors import MissingError
from avtool.core.requirements import missing_library, require


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("torch", "pip install 'avtool[learn]'"),
        ("torch.nn", "pip install 'avtool[learn]'"),
        ("sklearn", "pip install 'avtool[learn]'"),
        ("timm", "pip install 'avtool[hub]'"),
    ],
)
def test_a_library_of_an_extra_is_named_with_its_line(name: str, line: str) -> None:
    found = missing_library(ModuleNotFoundError(f"No module named '{name}'", name=name))
    assert isinstance(found, MissingError)
    assert (found.message, found.hint) == (f"this command needs `{name.partition('.')[0]}`", line)


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("no name"), ModuleNotFoundError("", name="avtool.nose")]
)
def test_a_module_of_our_own_is_our_fault(error: ModuleNotFoundError) -> None:
    assert missing_library(error) is None


def test_a_required_library_has_no_extra() -> None:
    with pytest.raises(MissingError) as caught:
        require("no_such_library")
    assert caught.value.hint == "pip install avtool"
