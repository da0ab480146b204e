"""One tagger for all tests: it keeps no state but its cache."""

import pytest

from avtool.mining.tagger import Tagger


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return Tagger()
