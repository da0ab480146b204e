"""A time map in plain words: "captions timed for 25 fps, film runs at 23.976 fps; 7.30 s later"."""

from avtool.mining.sync.time_map import TimeMap

_FRAME_RATES = {"23.976": 24 / 1.001, "24": 24.0, "25": 25.0, "29.97": 30 / 1.001, "30": 30.0}
_SAME_RATIO = 2e-4  # of two frame rates, within which a ratio is theirs
_SMALL_S = 0.1  # an offset beside a ratio that nobody notices
_DECISIONS = {
    "identity": "already in time",
    "skipped": "times kept unchecked",
    "refused": "not in time, kept all the same",
}


def in_plain_words(time_map: TimeMap, decision: str) -> str:
    """What was done to the times of captions.

    Args:
        time_map: film seconds of caption seconds.
        decision: of `SyncResult`.
    """
    if time_map.is_identity:
        return _DECISIONS.get(decision, decision)
    parts = [_of_ratio(time_map.ratio)] if abs(time_map.ratio - 1) > 1e-6 else []
    offset = time_map.offsets_s[0]
    jumps = {0: "", 1: ", then 1 jump"}.get(time_map.num_splits, f", then {time_map.num_splits} jumps")
    if not parts or jumps or abs(offset) >= _SMALL_S:
        parts.append(f"{abs(offset):.2f} s {'later' if offset >= 0 else 'earlier'}{jumps}")
    return "; ".join(parts)


def _of_ratio(ratio: float) -> str:
    """The frame rates whose ratio it is, or a drift; captions of a faster film have shorter times."""
    pairs = [
        (abs(ratio - captions / film), timed, runs)
        for timed, captions in _FRAME_RATES.items()
        for runs, film in _FRAME_RATES.items()
        if timed != runs
    ]
    distance, timed, runs = min(pairs)
    if distance < _SAME_RATIO:
        return f"captions timed for {timed} fps, film runs at {runs} fps"
    return f"captions drift by {100 * (ratio - 1):+.3f} %"
