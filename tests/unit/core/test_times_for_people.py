"""Times in reports: rounded before they are divided, so that no minute has sixty seconds."""

import pytest

from avtool.core.report.page import format_seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00.0"),
        (-3.0, "0:00.0"),
        (59.94, "0:59.9"),
        (59.97, "1:00.0"),
        (239.968, "4:00.0"),
        (3599.96, "1:00:00.0"),
        (3723.4, "1:02:03.4"),
    ],
)
def test_a_time_is_rounded_before_it_is_divided(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
