import pytest

from avtool.mining.tagger import coarse_sources, default_sources


@pytest.mark.parametrize(
    ("sources", "groups"),
    [
        (["nurse"], ("person",)),
        (["audience"], ("people",)),
        (["bulldog", "kitten"], ("animal",)),
        (["car horn", "doorbell"], ("vehicle", "bell")),
        (["esmeralda"], ("person",)),  # no list knows the name: the captions of a film name its people
        (["object"], ()),
        ([], ()),
    ],
)
def test_stated_sources_have_coarse_groups(sources: list[str], groups: tuple[str, ...]) -> None:
    assert coarse_sources(sources) == groups


@pytest.mark.parametrize(
    ("sounds", "groups"),
    [
        (["bark"], ("animal",)),
        (["laugh"], ("person", "people")),
        (["music"], ("electronic devices", "instruments", "speaker")),
        (["knock", "slam"], ("door",)),
        (["creak"], ()),
        (["never heard of"], ()),
    ],
)
def test_sounds_alone_have_default_groups(sounds: list[str], groups: tuple[str, ...]) -> None:
    assert default_sources(sounds) == groups
