"""What every test may use."""

import os
from pathlib import Path

import pytest

# Tests run side by side: more threads than one each would only fight. Set before anything loads torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real test data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("AVTOOL_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real test data at {folder}: set AVTOOL_TEST_DATA")
    return folder
