"""Whether and how captions fit a film: as they are, by one ratio and offset, by several offsets, or not."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avtool.mining.sync.correlate import COARSE_RATE, Floats, Singles, Spans, SpeechContrast, disjoint
from avtool.mining.sync.evidence import deviation_of, z_score
from avtool.mining.sync.fit import Fit, SplitPrice, correlation_of, fit_one_offset, fit_pieces
from avtool.mining.sync.outcome import Decision, SyncResult, SyncSettings
from avtool.mining.sync.search import RATIOS, survey, window_curves
from avtool.mining.sync.time_map import IDENTITY, TimeMap
from avtool.mining.sync.vad import FRAME_RATE

__all__ = ["SyncResult", "SyncSettings", "synchronise"]

_LONGEST_CUE_S = 12.0  # what stands longer is a title or a mistake, and no evidence of speech
_ROLL_UP_S = 4.0  # roll-up captions stand until the next one comes: only their beginnings mark speech
_ROLL_UP_SHARE = 0.9  # of cues that end when the next begins, or later
_CLEAR = 4 / 3  # of `min_z`, from which a match needs no warning


def synchronise(
    starts_s: Floats,
    ends_s: Floats,
    is_dialogue: NDArray[np.bool_],
    speech: Singles,
    *,
    settings: SyncSettings | None = None,
) -> SyncResult:
    """Finds the map from caption time to film time, or the reason why there is none.

    Args:
        starts_s: (cues,) when each cue is shown, in caption seconds.
        ends_s: (cues,).
        is_dialogue: (cues,) False for cues that only describe sounds; they do not count, and follow.
        speech: (frames,) speech signal of the film at 100 Hz, in 0..1.
        settings: defaults to `SyncSettings()`.
    """
    settings = settings or SyncSettings()
    num_dialogue = int(is_dialogue.sum())
    early = _without_search(starts_s, num_dialogue, speech, settings)
    if early is not None:
        return early
    contrast = SpeechContrast.of(speech)
    latest_s = (contrast.duration_s + settings.max_overrun_s + settings.max_offset_s) / min(RATIOS)
    usable = is_dialogue & (starts_s <= latest_s)
    longest_s = _ROLL_UP_S if _rolls_up(starts_s, ends_s) else _LONGEST_CUE_S
    cues = disjoint(starts_s[usable], ends_s[usable], longest_s)
    if len(cues.starts_s) == 0:
        return _skipped("no dialogue cue lies within the film", num_dialogue)
    contrast = contrast.weighing_onsets(cues)
    fit = _best_fit(cues, contrast, settings)
    return _judge(fit, cues, contrast, num_dialogue, settings)


def _rolls_up(starts_s: Floats, ends_s: Floats) -> bool:
    """Whether the captions stand until the next one comes."""
    order = np.argsort(starts_s, kind="stable")
    gaps_s = starts_s[order][1:] - ends_s[order][:-1]
    return bool(len(gaps_s) and np.mean(gaps_s < 0.05) > _ROLL_UP_SHARE)


def _without_search(
    starts_s: Floats, num_dialogue: int, speech: Singles, settings: SyncSettings
) -> SyncResult | None:
    """The result where there is nothing to search, or None."""
    if settings.mode == "none":
        reason = "synchronisation is off"
        return SyncResult(IDENTITY, "skipped", reason, confidence=1.0, num_dialogue=num_dialogue)
    if num_dialogue < settings.fewest_dialogue:
        return _skipped(_too_few(num_dialogue, settings), num_dialogue)
    if len(speech) == 0 or float(np.ptp(speech)) == 0.0:
        return _skipped("no speech signal to compare with", num_dialogue)
    overrun_s = float(starts_s.max()) - len(speech) / FRAME_RATE
    if overrun_s > settings.max_overrun_s and not settings.force:
        reason = f"captions do not match this film: they last {overrun_s / 60:.0f} min beyond its end"
        return SyncResult(IDENTITY, "refused", reason, needs_attention=True, num_dialogue=num_dialogue)
    return None


def _too_few(count: int, settings: SyncSettings, where: str = "") -> str:
    found = f"only {count} dialogue cues{where}" if count else f"no dialogue cue{where}"
    return f"{found} (needs {settings.fewest_dialogue} to compare with speech)"


def _skipped(reason: str, num_dialogue: int) -> SyncResult:
    return SyncResult(
        IDENTITY, "skipped", reason, needs_attention=True, confidence=0.5, num_dialogue=num_dialogue
    )


def _best_fit(cues: Spans, contrast: SpeechContrast, settings: SyncSettings) -> Fit:
    """One offset, several where they pay, or the captions as they are where that gains next to nothing."""
    candidates = survey(cues, contrast, settings.max_offset_s)
    fit = fit_one_offset(cues, contrast, candidates, settings.max_offset_s)
    if settings.mode != "global":
        price = SplitPrice(settings.split_penalty_s, 20, 60.0)
        if settings.mode == "split":
            price = SplitPrice(settings.split_penalty_s, 5, 10.0)
        pieces = fit_pieces(cues, contrast, candidates, settings.max_offset_s, price)
        fit = max(fit, pieces, key=lambda option: option.penalised)
    identity = correlation_of(IDENTITY, cues, contrast)
    largest_shift_s = float(np.abs(fit.map(cues.starts_s) - cues.starts_s).max())
    gains = fit.rho > (1 + settings.min_gain) * identity.rho or fit.map.num_splits > 0
    return fit if gains and largest_shift_s >= settings.min_shift_s else identity


def _judge(
    fit: Fit, cues: Spans, contrast: SpeechContrast, num_dialogue: int, settings: SyncSettings
) -> SyncResult:
    """Accepts the fit if it stands out from chance far enough."""
    deviation = deviation_of(fit.map, cues, contrast)
    z = z_score(fit.map, cues, contrast, deviation)
    before = correlation_of(IDENTITY, cues, contrast).rho
    placed_s = fit.map(cues.starts_s)
    num_heard = int(((placed_s >= 0) & (placed_s < contrast.duration_s)).sum())
    if num_heard < settings.fewest_dialogue and not settings.force:
        reason = _too_few(num_heard, settings, " within the film")
        return replace(_skipped(reason, num_dialogue), rho=fit.rho, rho_identity=before)
    if num_dialogue < settings.enough_dialogue and z < settings.min_z and not settings.force:
        reason = (
            f"only {num_dialogue} dialogue cues, and no offset stands out (z = {z:.1f}, needs"
            f" {settings.min_z:g})"
        )
        return replace(_skipped(reason, num_dialogue), rho=fit.rho, rho_identity=before, z=z)
    decision, time_map, reason, confidence = _verdict(fit, z, before, settings)
    curve = window_curves(cues, contrast, fit.map.ratio, settings.max_offset_s).sum(axis=0)
    offsets_s = (np.arange(len(curve)) - len(curve) // 2) / COARSE_RATE
    return SyncResult(
        map=time_map,
        decision=decision,
        reason=reason,
        needs_attention=z < _CLEAR * settings.min_z,
        rho=fit.rho,
        rho_identity=before,
        z=z,
        num_dialogue=num_dialogue,
        confidence=confidence,
        offsets_s=offsets_s.astype(np.float32),
        curve=curve,
    )


def _verdict(
    fit: Fit, z: float, before: float, settings: SyncSettings
) -> tuple[Decision, TimeMap, str, float]:
    """Decision, map, reason and confidence."""
    if z < settings.min_z and not settings.force:
        reason = f"captions do not match this film (z = {z:.1f}, needs {settings.min_z:g})"
        return "refused", IDENTITY, reason, 0.0
    confidence = float(np.clip(0.5 + (z - settings.min_z) / (4 * settings.min_z), 0.0, 1.0))
    if fit.map.is_identity:
        return "identity", IDENTITY, f"already in step (correlation {before:.2f}, z = {z:.1f})", confidence
    gain = f"ratio {fit.map.ratio:.6f} (correlation {before:.2f} before, {fit.rho:.2f} after, z = {z:.1f})"
    gain = f"{gain}: a doubtful match" if z < _CLEAR * settings.min_z else gain
    if fit.map.num_splits:
        return "split", fit.map, f"{fit.map.num_splits} splits, {gain}", confidence
    return "global", fit.map, f"offset {fit.map.offsets_s[0]:+.2f} s, {gain}", confidence
