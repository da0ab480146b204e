"""How long `avtool --help` and `avtool zoo list` take beside `import typer, rich`."""

import sys
from pathlib import Path

from tests.benchmarks.cost import cost_of

ROUNDS = 15


def fastest(command: list[str]) -> float:
    """The best wall time of several rounds, in seconds."""
    return min(cost_of(command).wall_s for _ in range(ROUNDS))


def main() -> None:
    """Prints all of them, and their ratios to the first."""
    bare = fastest([sys.executable, "-c", "import typer, rich"])
    print(f"import typer, rich: {1000 * bare:.0f} ms")
    for words, most in ((["--help"], 2), (["zoo", "list"], 4)):
        ours = fastest([str(Path(sys.executable).parent / "avtool"), *words])
        line = " ".join(words)
        print(f"avtool {line}: {1000 * ours:.0f} ms; ratio {ours / bare:.2f} (at most {most})")


if __name__ == "__main__":
    main()
