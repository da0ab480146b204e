"""What the grammar's tests share: the package's own tagger, and cues written as plain text."""

from collections.abc import Callable
from typing import Any

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import ParsedCaptions, parse_cues
from avtool.mining.tagger import Tagger

Parse = Callable[..., ParsedCaptions]


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return Tagger()


@pytest.fixture(scope="session")
def parse(tagger) -> Parse:
    """Parses texts as cues of two seconds, one second apart; line feeds separate lines."""

    def parse_texts(*texts: str, **options: Any) -> ParsedCaptions:
        cues = [
            Cue(3000 * n, 3000 * n + 2000, tuple(line for line in text.split("\n") if line.strip()))
            for n, text in enumerate(texts)
        ]
        return parse_cues(cues, tag=tagger.tag, **options)

    return parse_texts


@pytest.fixture(scope="session")
def tags(parse) -> Callable[..., list[str]]:
    """The texts of the tags found in some cues."""
    return lambda *texts, **options: [tag.text for tag in parse(*texts, **options).tags]


@pytest.fixture(scope="session")
def words(parse) -> Callable[..., list[str]]:
    """The spoken words found in some cues."""
    return lambda *texts, **options: [span.text for span in parse(*texts, **options).dialogue]
