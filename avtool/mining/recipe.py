"""The settings of caption mining: every key, its default and its help text."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option

Shares = tuple[float, float, float]


class SyncRecipe(Recipe):
    """Synchronisation of captions with the film's audio."""

    mode: Literal["auto", "none", "global", "split"] = option(
        "auto", "Time map: one offset and ratio, one with jumps, the better of both, or none.", flag="--sync"
    )
    vad: Literal["auto", "silero", "webrtc", "none"] = option(
        "auto", "Speech detector; auto: silero where it is installed, else webrtc.", flag="--vad"
    )
    max_offset: float = option(
        120.0, "Largest offset searched, in seconds.", flag="--max-offset", gt=0, le=3600
    )
    split_penalty: float = option(
        10.0, "Seconds of overlap that a jump must win.", flag="--split-penalty", gt=0
    )
    min_z: float = option(
        6.0, "Quality below which captions do not belong to the film.", flag="--min-z", ge=0
    )
    force: bool = option(False, "Keep films whose captions do not match.", flag="--force")


class SyncCaptionsRecipe(Recipe):
    """`avtool sync`."""

    language: str = option("en", "Preferred caption language.", flag="--lang")
    audio_stream: int | None = option(
        None, "Audio stream, as `avtool show FILM` numbers it.", flag="--audio-stream", ge=0
    )
    format: Literal["srt", "vtt"] | None = option(
        None, "Format of the result; by default that of its name.", flag="--format"
    )
    sync: SyncRecipe = Field(default_factory=SyncRecipe)


class ClipRecipe(Recipe):
    """What is cut out of the film for each event."""

    collar: float = option(1.0, "Seconds kept before and after an event.", flag="--collar", ge=0, le=60)
    max_length: float = option(10.24, "Longest clip in seconds, centred.", flag="--max-clip", gt=0, le=600)
    sample_rate: int = option(16000, "Sample rate of the clips in Hz.", flag="--sr", ge=8000, le=48000)
    format: Literal["wav", "flac", "none"] = option("wav", "Clip files, or none.", flag="--format")
    keep_audio: bool = option(
        False,
        "Keep the decoded audio: new collars need no decoding.",
        flag="--keep-audio",
        formerly="keep_sound",
    )
    frames_fps: float = option(0.0, "Video frames kept per second of clip.", flag="--frames-fps", ge=0, le=60)


class MineRecipe(Recipe):
    """`avtool mine-subtitles`."""

    language: str = option("en", "Language of the captions to prefer.", flag="--lang")
    audio_stream: int | None = option(
        None, "Audio stream to use, as `avtool show FILM` numbers it.", flag="--audio-stream", ge=0
    )
    caps_style: Literal["auto", "on", "off"] = option(
        "auto", "Whether bare capitals may be sounds.", flag="--caps-style"
    )
    keep_lyrics: bool = option(False, "Keep sung lyrics as `sing` events.", flag="--keep-lyrics")
    refine_onset: bool = option(
        False, "Move abrupt events to their onset in the audio.", flag="--refine-onset"
    )
    lexicon: Path | None = option(None, "A TOML file with your own words.", flag="--lexicon")
    taxonomy: Path | None = option(None, "A CSV file that maps or limits labels.", flag="--taxonomy")
    review: Path | None = option(
        None, "Decisions of `avtool review` to apply to the events.", flag="--review"
    )
    kind: Path | None = option(
        None,
        "A run of prompt-tune lm-bff that decides the kind of a cue where the lexicon cannot.",
        flag="--kind",
    )
    min_confidence: float | None = option(
        None, "Least probability of a kind; below it a cue is for review.  [default: the run's]", ge=0, le=1
    )
    classes: int | None = option(
        120, "Classes of the sound taxonomy: the N most frequent.", flag="--classes", ge=1
    )
    min_count: int | None = option(
        None, "Classes by count instead: at least N events.", flag="--min-count", ge=1
    )
    split: Literal["auto", "none"] | Shares = option(
        "auto",
        "Shares of train, val and test by film; auto: 0.8,0.1,0.1 from three films on.",
        flag="--split",
    )
    seed: int = option(0, "Seed of the film split.", flag="--seed", ge=0)
    sync: SyncRecipe = Field(default_factory=SyncRecipe)
    clip: ClipRecipe = Field(default_factory=ClipRecipe)

    @model_validator(mode="after")
    def _check(self) -> "MineRecipe":
        if isinstance(self.split, tuple) and (min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-6):
            raise ValueError(f"split {self.split} must be three shares that sum to 1")
        return self
