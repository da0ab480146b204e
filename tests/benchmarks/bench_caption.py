"""What `avtool caption` takes for two hours of film, beside ten minutes: memory must not grow.

Big Buck Bunny (`AVTOOL_REAL`), and its packets thirteen times in a row; YAMNet captions both, with pages.
"""

import os
import shutil
import sys
from pathlib import Path

import av

from tests.benchmarks.cost import Cost, cost_of

FOLDER = Path("bench")
BIN = Path(sys.executable).parent
REAL = Path(os.environ.get("AVTOOL_REAL", Path.home() / ".cache" / "avtool-real"))
FILM = REAL / "film" / "big_buck_bunny.mp4"
DATA = Path(os.environ.get("AVTOOL_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
MODEL = DATA / "weights" / "yamnet" / "model.onnx"
TURNS = 13


def repeated(film: Path, turns: int) -> Path:
    """The film several times in a row, its packets as they are; made once."""
    path = FOLDER / f"film{turns}.mkv"
    if path.exists():
        return path
    partial = path.with_name(f"{path.stem}.partial.mkv")
    with av.open(str(partial), "w") as target:
        streams: dict[int, object] = {}
        for turn in range(turns):
            with av.open(str(film)) as source:
                wanted = [source.streams.video[0], source.streams.audio[0]]
                for stream in wanted if not streams else ():
                    streams[stream.index] = target.add_stream_from_template(stream)
                seconds = source.duration / av.time_base
                for packet in source.demux(wanted):
                    if packet.dts is None:
                        continue
                    shift = round(turn * seconds / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    target.mux(packet)
    partial.replace(path)
    return path


def caption(film: Path, *arguments: str) -> Cost:
    """The cost of captioning a film, imports and page included."""
    out = FOLDER / "captions"
    shutil.rmtree(out, ignore_errors=True)
    command = [str(BIN / "python"), "-m", "avtool", "caption", str(film), "--model", str(MODEL)]
    return cost_of([*command, "--out", str(out), "-q", "--device", "cpu", *arguments])


def main() -> None:
    """Prints the costs, and the two-hour film's beside its length."""
    if not (FILM.is_file() and MODEL.is_file()):
        print(f"not run: no {FILM}, or no {MODEL}")
        return
    FOLDER.mkdir(exist_ok=True)
    caption(FILM)  # imports the weights, which is done once
    short, long = caption(FILM), caption(repeated(FILM, TURNS))
    plain = caption(repeated(FILM, TURNS), "--no-preview")
    seconds = TURNS * 596.5
    print(f"10 minutes          {short}")
    print(f"2 h 9 min           {long}; {100 * long.cpu_s / seconds:.2f} % of its length on one core")
    print(f"2 h 9 min, no page  {plain}")
    print(f"memory of the long film: {long.memory_mib / short.memory_mib:.2f} times that of the short one")


if __name__ == "__main__":
    main()
