"""The film's clock against a plain model of it: every run at its place, the first sound stays."""

from fractions import Fraction
from statistics import median_low

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.media.audio_timeline import AudioTimeline
from tests.unit.media.media_samples import RATE, Samples, lag_of, make_chirp


def frame_of(samples: np.ndarray, pts: int | None, rate: int = RATE, layout: str = "mono") -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, pts, Fraction(1, rate)
    return frame


def place(frames: list[av.AudioFrame], sample_rate: int = RATE, start: Fraction = Fraction(0)) -> Samples:
    """What the timeline makes of the frames, with zeros where it says nothing."""
    timeline = AudioTimeline(sample_rate, start)
    placed = [block for frame in frames for block in timeline.place(frame)] + list(timeline.flush())
    sound = np.zeros(timeline.end, np.int16)
    end = 0
    for first, samples in placed:
        assert first >= end, "blocks come in order and do not overlap"
        end = first + samples.size
        sound[first:end] = samples
    return sound


JUMPS = st.one_of(st.just(0), st.integers(700, 4000), st.integers(-4000, -700))


@given(st.lists(st.tuples(st.integers(100, 3000), JUMPS)))
def test_runs_lie_where_their_timestamps_put_them(steps: list[tuple[int, int]]) -> None:
    """Frames of some length, each with a jump of the clock before it."""
    frames, model = [], np.zeros(400_000, np.int16)
    pts = end = 0
    for number, (length, jump) in enumerate(steps):
        pts += jump
        frames.append(frame_of(np.full(length, number + 1, np.int16), pts))
        model[max(pts, end) : max(pts + length, end)] = number + 1
        end = max(end, pts + length)
        pts += length
    np.testing.assert_array_equal(place(frames), model[:end])


def test_one_wrong_first_timestamp_does_not_move_the_film() -> None:
    """As after an edit list that cuts into the first frame: the frames behind it are right."""
    chirp = make_chirp(2)
    frames = [frame_of(chirp[i : i + 1000], max(0, i - 250)) for i in range(0, 32000, 1000)]
    np.testing.assert_array_equal(place(frames), chirp[250:])


@pytest.mark.parametrize("jitter", [[0, 16, -16], [0, 320, 160, 320, 480], [0, -7, 3, 1]])
def test_jitter_is_averaged_out(jitter: list[int]) -> None:
    chirp = make_chirp(2)
    pts = [i + jitter[k % len(jitter)] for k, i in enumerate(range(0, 32000, 1000))]
    sound = place([frame_of(chirp[i : i + 1000], p) for i, p in zip(range(0, 32000, 1000), pts, strict=True)])
    middle = median_low(jitter)
    np.testing.assert_array_equal(sound, np.concatenate([np.zeros(max(0, middle), np.int16), chirp]))


def test_frames_without_timestamps_follow_each_other() -> None:
    chirp = make_chirp(1)
    sound = place([frame_of(chirp[i : i + 1000], None) for i in range(0, RATE, 1000)])
    np.testing.assert_array_equal(sound, chirp)


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 3)])
def test_the_start_is_zero_of_the_film(start: Fraction) -> None:
    chirp = make_chirp(1)
    sound = place([frame_of(chirp, round((2 + start) * RATE))], start=start)
    np.testing.assert_array_equal(sound, np.concatenate([np.zeros(2 * RATE, np.int16), chirp]))


def test_sound_before_the_start_is_cut() -> None:
    chirp = make_chirp(1)
    np.testing.assert_array_equal(place([frame_of(chirp, -4000)]), chirp[4000:])


@pytest.mark.parametrize("rate", [11025, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("offset", [0, 1, 7, 100, 1001])
def test_resampled_sound_is_in_phase_wherever_it_starts(rate: int, offset: int) -> None:
    """A run that starts between two output samples gives the samples of a run that starts at zero."""
    chirp = make_chirp(1, rate)
    whole = place([frame_of(chirp, 0, rate)])
    later = place([frame_of(chirp[offset:], offset, rate)])
    settled = -(-offset * RATE // rate) + 200
    np.testing.assert_array_equal(later[settled:], whole[settled:])


def test_changes_of_rate_and_layout_keep_the_time() -> None:
    seconds = [make_chirp(3, rate)[rate * i : rate * (i + 1)] for i, rate in enumerate((44100, 22050, 48000))]
    stereo = np.repeat(seconds[2], 2)
    frames = [
        frame_of(seconds[0], 0, 44100),
        frame_of(seconds[1], 22050, 22050),
        frame_of(stereo, 96000, 48000, "stereo"),
    ]
    sound = place(frames)
    assert sound.size == 3 * RATE
    for second in range(3):
        part = slice(second * RATE, (second + 1) * RATE)
        assert lag_of(sound[part], make_chirp(3)[part]) == 0


@pytest.mark.parametrize(
    ("layout", "weights"),
    [
        ("mono", [1.0]),
        ("stereo", [0.5, 0.5]),
        ("5.1", [0.207, 0.207, 0.293, 0.0, 0.146, 0.146]),
        ("5.1(side)", [0.207, 0.207, 0.293, 0.0, 0.146, 0.146]),
        ("10 channels", [0.1] * 10),
        ("32 channels", [1 / 32] * 32),
    ],
)
def test_mix_down_weighs_channels_and_cannot_clip(layout: str, weights: list[float]) -> None:
    for channel, weight in enumerate(weights):
        samples = np.zeros((RATE, len(weights)), np.int16)
        samples[:, channel] = 30000
        sound = place([frame_of(samples, 0, layout=layout)])
        assert sound[8000] / 30000 == pytest.approx(weight, abs=0.001)
    full = np.full((RATE, len(weights)), 32767, np.int16)
    assert place([frame_of(full, 0, layout=layout)])[8000] == pytest.approx(32767 * sum(weights), rel=0.01)


@pytest.mark.parametrize("rate", [1, 999, 2_000_000_000])
def test_absurd_sample_rates_are_refused(rate: int) -> None:
    with pytest.raises(BadInputError, match=f"claims a sample rate of {rate} Hz"):
        place([frame_of(make_chirp(0.1), 0, rate)])
