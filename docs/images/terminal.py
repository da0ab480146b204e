"""A terminal recording of the tutorial "Your film in ten minutes", from a real run: `your-film.svg`.

Run it from the repository: `python docs/images/terminal.py`. It makes a synthetic film, runs the commands
below on it, and draws what they print, without their progress.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

OUT = Path(__file__).with_name("your-film.svg")
FILM = "demo --films 1 --minutes 5 --training none --pretraining none --out demo"
COMMANDS = (
    "avtool sync film.mkv film.srt --out synced.srt",
    "avtool mine-subtitles film.mkv --captions film.srt --out events",
    "cut -d, -f3-9 events/events.csv | head -6",
    "avtool tag 'DISTANT DOG BARKS TWICE'",
)
WIDTH = 110
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def run(command: str, folder: Path) -> str:
    """What a command prints, stderr first."""
    shell = f'avtool() {{ "{sys.executable}" -m avtool "$@" --no-progress; }}; {command}'
    line = ["/bin/bash", "-c", shell]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return (done.stderr + done.stdout).rstrip()


def main() -> None:
    """Runs the commands and writes the drawing."""
    console = Console(record=True, width=WIDTH, file=tempfile.TemporaryFile("w"))  # noqa: SIM115
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(f"avtool {FILM}", folder)
        (folder / "demo/films/film1.mkv").rename(folder / "film.mkv")
        (folder / "demo/films/film1.srt").rename(folder / "film.srt")
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            console.print(Text(run(command, folder)))
            console.print()
    svg = console.export_svg(title="avtool", unique_id="terminal")
    OUT.write_text(FONTS.sub("", svg), encoding="utf-8")  # fonts of the viewer, nothing from outside


if __name__ == "__main__":
    main()
