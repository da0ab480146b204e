"""The image strip of README: frame and caption, spectrogram, mined labels, prediction.

`avtool demo --out demo && python docs/images/strip.py demo docs/images/strip.png`
"""

import json
import sys
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as parquet
import soundfile

COLUMNS = 5


def frame_at(film: Path, seconds: float) -> np.ndarray:
    """The frame on screen at a time of the film."""
    with av.open(str(film)) as container:
        frames = container.decode(video=0)
        return next(frame.to_ndarray(format="rgb24") for frame in frames if frame.time >= seconds)


def first_of_each_class(demo: Path) -> list[tuple[dict, str, float]]:
    """Events of the held-out film, one a class, with the predicted class and its probability."""
    classes = json.loads((demo / "predictions" / "classes.json").read_text())["classes"]
    events = {row["clip_id"]: row for row in parquet.read_table(demo / "mined/manifest.parquet").to_pylist()}
    chosen: dict[str, tuple[dict, str, float]] = {}
    for row in parquet.read_table(demo / "predictions/predictions.parquet").to_pylist():
        probabilities = np.exp(np.array(row["scores"]) - max(row["scores"]))
        best = int(probabilities.argmax())
        found = (events[row["clip_id"]], classes[best], float(probabilities[best] / probabilities.sum()))
        chosen.setdefault(row["labels"][0], found)
    return list(chosen.values())[:COLUMNS]


def draw(demo: Path, out: Path) -> None:
    """Draws the strip."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, COLUMNS, figsize=(11, 4.3), layout="constrained")
    events = first_of_each_class(demo)
    for (above, below), (event, predicted, probability) in zip(axes.T, events, strict=True):
        middle = (event["event_start"] + event["event_end"]) / 2
        above.imshow(frame_at(Path(event["film"]), middle))
        above.set_xlabel(event["tag_raw"], fontsize=9)
        samples, rate = soundfile.read(demo / "mined" / event["media"])
        below.specgram(samples + 1e-5, NFFT=512, Fs=rate, noverlap=384, cmap="inferno", vmin=-100, vmax=-40)
        labels = [*event["sounds"], *event["sources_stated"], *event["qualities"]]
        mark = "✓" if predicted == event["labels"][0] else "✗"
        below.set_xlabel(f"{' · '.join(labels)}\n{mark} {predicted} {probability:.0%}", fontsize=9)
        for axis in (above, below):
            axis.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("frame, caption", fontsize=9)
    axes[1, 0].set_ylabel("spectrogram, mined\nlabels, prediction", fontsize=9)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
