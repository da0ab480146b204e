"""Settings and result of synchronisation."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from avtool.mining.sync.correlate import Singles
from avtool.mining.sync.time_map import TimeMap

Mode = Literal["auto", "none", "global", "split"]
Decision = Literal["identity", "global", "split", "refused", "skipped"]


@dataclass(frozen=True)
class SyncSettings:
    """How to synchronise.

    Attributes:
        mode: `auto` decides; `none` trusts the captions; `global` never splits; `split` also believes in
            short segments.
        max_offset_s: the largest offset searched, either way; splits may lie as far again around it.
        split_penalty_s: seconds of speech under cues that a split must gain.
        min_z: how many deviations of chance the evidence must reach; below, the captions are refused. Up to
            a third more is believed with a warning.
        min_gain: what the correlation must gain, relatively, before captions that fit are touched.
        min_shift_s: a correction that moves no cue by more than this is not made.
        fewest_dialogue: dialogue cues below which z means nothing: one or two fit some noise perfectly.
        enough_dialogue: dialogue cues from which a low z means that the captions are of another film; fewer
            may be too little evidence, and are kept as they are.
        max_overrun_s: how far after the film's end captions may start.
        force: take the best match, however weak.
    """

    mode: Mode = "auto"
    max_offset_s: float = 120.0
    split_penalty_s: float = 10.0
    min_z: float = 6.0
    min_gain: float = 0.02
    min_shift_s: float = 0.1
    fewest_dialogue: int = 8
    enough_dialogue: int = 40
    max_overrun_s: float = 600.0
    force: bool = False


@dataclass(frozen=True, eq=False)
class SyncResult:
    """What was decided, and what speaks for it.

    Attributes:
        map: caption time to film time; the identity when refused or skipped.
        decision: what kind of map it is, or that there is none.
        reason: one line for people.
        needs_attention: whether somebody should look: refused, skipped for lack of evidence, forced, weak.
        rho: correlation coefficient of the dialogue cues, after the map, with the film's speech.
        rho_identity: the same before.
        z: the evidence for the match that was found, in standard deviations of chance.
        num_dialogue: dialogue cues.
        confidence: 0 to 1.
        offsets_s: (offsets,) horizontal axis of the plot.
        curve: (offsets,) the correlation coefficient at each offset, at the map's ratio.
    """

    map: TimeMap
    decision: Decision
    reason: str
    needs_attention: bool = False
    rho: float = 0.0
    rho_identity: float = 0.0
    z: float = 0.0
    num_dialogue: int = 0
    confidence: float = 0.0
    offsets_s: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    curve: Singles = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def num_splits(self) -> int:
        """How often the offset changes."""
        return self.map.num_splits

    def to_dict(self) -> dict[str, Any]:
        """A JSON object, without the curve."""
        numbers = {name: round(getattr(self, name), 4) for name in ("rho", "rho_identity", "z", "confidence")}
        return {
            "decision": self.decision,
            "reason": self.reason,
            "needs_attention": self.needs_attention,
            "map": self.map.to_dict(),
            "num_dialogue": self.num_dialogue,
            "num_splits": self.num_splits,
            **numbers,
        }
