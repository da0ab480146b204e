"""Pictures: what moves, moves with its sound."""

import numpy as np
import pytest

from avtool.synthetic.painter import Painter, PainterSettings, envelope_of, looks_of
from avtool.synthetic.script import Event, Scene, Script, Utterance
from avtool.synthetic.sounds import SyntheticSounds

RATE, FPS = 16_000, 12
KNOCKS = np.zeros(2 * RATE, np.float32)
for onset in (0.0, 0.75, 1.5):
    first = round(onset * RATE)
    KNOCKS[first : first + 1600] = np.linspace(1, 0, 1600)

EVENT = Event(2.0, 4.0, "sound", "siren", 0, -6.0, "siren wails", "wail", "siren", "", (0.3, 0.5), 1)
LINE = Utterance(2.0, 4.0, "Hello.", 1, 0)


def painted(events=(), lines=(), kind="drawn", legend=""):
    script = Script("", 8.0, (Scene(0.0, 8.0, 0.3, (1, 2), legend),), lines, events, ())
    painter = Painter(script, PainterSettings(kind, (96, 128), FPS))
    for owner in (*events, *lines):
        painter.add_loudness(owner, KNOCKS, RATE)
    return np.stack([painter.frame(index) for index in range(6 * FPS)]).astype(int)


def changed(frames, still):
    """How many pixels differ from the same film without the thing. Shape (frames,)."""
    return (np.abs(frames - still).sum(axis=3) > 40).sum(axis=(1, 2))


def test_an_object_grows_with_its_sound():
    area = changed(painted(events=(EVENT,)), painted())[2 * FPS : 4 * FPS]
    envelope = envelope_of(KNOCKS, RATE, FPS)
    assert np.corrcoef(area, envelope)[0, 1] > 0.9


def test_an_object_moves_only_while_it_sounds():
    frames = np.abs(painted(events=(EVENT,)) - painted()).sum(axis=3)
    columns = np.arange(128)
    centre = np.array(
        [(frame.sum(axis=0) * columns).sum() / frame.sum() for frame in frames[2 * FPS : 4 * FPS]]
    )
    loud = envelope_of(KNOCKS, RATE, FPS) > 0.3
    steps = np.abs(np.diff(centre))
    assert steps[loud[1:]].mean() > 5 * steps[~loud[1:]].mean()


def test_an_object_is_there_shortly_before_and_after_and_else_not():
    area = changed(painted(events=(EVENT,)), painted())
    assert area[FPS] == 0
    assert area[round(1.5 * FPS)] > 0
    assert area[round(4.5 * FPS)] > 0
    assert area[round(5.5 * FPS)] == 0


def test_a_mouth_opens_with_the_voice():
    frames = painted(lines=(LINE,))[2 * FPS : 4 * FPS]
    dark = (frames[:, 48:80, :40].sum(axis=3) < 150).sum(axis=(1, 2))
    assert np.corrcoef(dark, envelope_of(KNOCKS, RATE, FPS))[0, 1] > 0.8


def test_classes_look_different():
    labels = SyntheticSounds().labels
    looks = [(shape, *tint.round().tolist()) for shape, tint in map(looks_of, labels)]
    assert len(set(looks)) == len(labels)


def test_a_legend_is_shown_at_the_start_of_its_scene():
    shown = changed(painted(legend="LONDON, 1942"), painted())
    assert shown[0] > 50
    assert shown[-1] == 0


def test_a_static_film_stands_still():
    frames = painted(events=(EVENT,), kind="static")
    assert np.array_equal(frames[0], frames[-1])


def test_silence_has_an_envelope_of_zeros():
    assert envelope_of(np.zeros(RATE, np.float32), RATE, FPS) == pytest.approx(np.zeros(FPS))
