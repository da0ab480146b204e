"""How long `avtool --help` takes beside `python -c "import typer, rich"`: the least that it could."""

import sys
from pathlib import Path

from tests.benchmarks.cost import cost_of

ROUNDS = 15


def fastest(command: list[str]) -> float:
    """The best wall time of several rounds, in seconds."""
    return min(cost_of(command).wall_s for _ in range(ROUNDS))


def main() -> None:
    """Prints both and their ratio."""
    bare = fastest([sys.executable, "-c", "import typer, rich"])
    ours = fastest([str(Path(sys.executable).parent / "avtool"), "--help"])
    print(
        f"import typer, rich: {1000 * bare:.0f} ms; avtool --help: {1000 * ours:.0f} ms; "
        f"ratio {ours / bare:.2f} (at most 2)"
    )


if __name__ == "__main__":
    main()
