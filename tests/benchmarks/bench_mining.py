"""Whole mining, from the container to the clips, beside the synchronisation alone by ffsubsync.

Both get the same 90-minute film, made on the spot, and both use webrtc. Each runs in a process of its own.
"""

import shutil
import sys
from pathlib import Path

from avtool.synthetic.make_film import FilmFiles, make_film
from tests.benchmarks.cost import Cost, cost_of

FOLDER = Path("bench")
BIN = Path(sys.executable).parent


def film_of(minutes: int) -> FilmFiles:
    """A film with AAC sound and H.264 pictures; made once, since it takes a minute or two."""
    name = f"film{minutes}"
    files = FilmFiles(*(FOLDER / f"{name}.{end}" for end in ("mkv", "srt", "truth.json", "events.csv")))
    if not files.events.exists():
        make_film(FOLDER, seed=minutes, minutes=minutes, name=name, distortion="late", video="static")
    return files


def mine(film: FilmFiles, vad: str) -> Cost:
    """`avtool mine-subtitles`, from nothing."""
    out = FOLDER / "mined"
    shutil.rmtree(out, ignore_errors=True)
    return cost_of([str(BIN / "avtool"), "mine-subtitles", str(film.film), "--out", str(out), "--vad", vad])


def synchronise(film: FilmFiles, ffmpeg: Path) -> Cost:
    """`ffsubsync`, as its users run it, with the FFmpeg program of imageio-ffmpeg."""
    assert film.captions is not None
    options = ["--vad", "webrtc", "--ffmpeg-path", str(ffmpeg), "-i", str(film.captions)]
    return cost_of([str(BIN / "ffsubsync"), str(film.film), *options, "-o", str(FOLDER / "peer.srt")])


def ffmpeg_folder() -> Path:
    """A folder with a program called `ffmpeg`, which is what ffsubsync looks for."""
    import imageio_ffmpeg

    folder = FOLDER / "ffmpeg"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "ffmpeg"
    link.unlink(missing_ok=True)
    link.symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    return folder


def main() -> None:
    """Prints wall seconds, memory, and the two ratios that matter."""
    long, short = film_of(90), film_of(30)
    peer = synchronise(long, ffmpeg_folder())
    print(f"ffsubsync 0.5.1, synchronisation only, 90 min: {peer}")
    ours = {minutes: mine(film, "webrtc") for minutes, film in ((90, long), (30, short))}
    for minutes, cost in ours.items():
        print(f"avtool, whole mining, webrtc, {minutes} min:       {cost}")
    print(f"avtool, whole mining, silero, 90 min:       {mine(long, 'silero')}")
    print(f"wall, avtool / ffsubsync: {ours[90].wall_s / peer.wall_s:.2f} (at most 1.0)")
    print(f"memory, 90 / 30 minutes:  {ours[90].memory_mib / ours[30].memory_mib:.2f} (0.9 to 1.1)")


if __name__ == "__main__":
    main()
