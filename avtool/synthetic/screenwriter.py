"""The random script of a film: scenes, dialogue, sounds in its gaps and across it, music, traps."""

from dataclasses import dataclass, field

from avtool.synthetic import dialogue
from avtool.synthetic.script import Event, EventKind, Scene, Script, Trap, TrapKind, Utterance
from avtool.synthetic.sounds import SoundBank, Wording
from avtool.synthetic.speech import SpeechBank
from avtool.synthetic.synthesis import Rng

_OVERLAP_SHARE = 0.25  # of the sounds that fall into dialogue instead of a gap
_SPECIAL_SHARE = 0.28  # of the lines
_SPECIAL_LINES = ("speaker", "speaker", "speaker", "manner", "manner", "parenthesis", "hashtag", "foreign")
_MOST_IN_A_GAP = 3
_DISTANT_SHARE = 0.12
_MUSIC_WORDINGS = (
    Wording("soft music playing", "music", "", "soft"),
    Wording("dramatic music playing", "music", "", "dramatic"),
    Wording("piano music playing", "music", "piano"),
)
_END_MARGIN = 1.0
_SHORTEST_MUSIC = 3.0


@dataclass
class _Draft:
    """A script while it is written; `now` is where the next thing goes."""

    rng: Rng
    sounds: SoundBank
    speech: SpeechBank
    seconds: float
    sounds_per_minute: float
    now: float = 0.0
    scenes: list[Scene] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    label_bag: list[str] = field(default_factory=list)
    special_bag: list[str] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return bool(self.rng.uniform() < share)

    def fits(self, start: float, seconds: float) -> bool:
        return start + seconds < self.seconds - _END_MARGIN

    def lacks_sounds(self) -> bool:
        """Whether fewer sounds have been placed than should have been heard by now."""
        return sum(event.kind == "sound" for event in self.events) < self.now / 60 * self.sounds_per_minute

    def next_label(self) -> str:
        """Every class once before any comes twice, so that short films hold many."""
        if not self.label_bag:
            self.label_bag = list(self.sounds.labels)
            self.rng.shuffle(self.label_bag)
        return self.label_bag.pop()

    def next_special(self) -> str:
        """All kinds of lines with special captions in turn, in random order."""
        if not self.special_bag:
            self.special_bag = list(_SPECIAL_LINES)
            self.rng.shuffle(self.special_bag)
        return self.special_bag.pop()

    def place_sound(self, start: float) -> float:
        """Puts a sound at `start` and returns its end; where it does not fit, nothing happens."""
        label = self.next_label()
        variant = int(self.rng.integers(2**31))
        seconds = len(self.sounds.render(label, variant)) / self.sounds.sample_rate
        if not self.fits(start, seconds):
            return start
        wordings = self.sounds.wordings(label)
        wording = wordings[self.rng.integers(len(wordings))]
        gain = float(self.rng.uniform(-12, -6))
        if not wording.quality and self.chance(_DISTANT_SHARE):
            wording = Wording(f"{wording.tag} in distance", wording.sound, wording.source, "in distance")
            gain -= 8
        self.add_event(start, start + seconds, "sound", label, variant, gain, wording)
        return start + seconds

    def add_event(
        self,
        start: float,
        end: float,
        kind: EventKind,
        label: str,
        variant: int,
        gain: float,
        wording: Wording,
    ) -> None:
        place = (float(self.rng.uniform(0.2, 0.8)), float(self.rng.uniform(0.3, 0.7)))
        heading = 1 if place[0] < 0.5 else -1  # towards the middle, so that nothing leaves the frame
        self.events.append(
            Event(start, end, kind, label, variant, gain, wording.tag, wording.sound, wording.source,
                  wording.quality, place, heading)
        )  # fmt: skip

    def speak(
        self,
        text: str,
        voice: int,
        *,
        speaker: str = "",
        manner: str = "",
        sung: bool = False,
        foreign: str = "",
    ) -> bool:
        """Adds an utterance at `now` and moves on behind it; returns whether there was room for it."""
        take = int(self.rng.integers(2**31))
        seconds = self.speech.seconds(text, voice, take)
        if not self.fits(self.now, seconds):
            return False
        end = self.now + seconds
        self.utterances.append(Utterance(self.now, end, text, voice, take, speaker, manner, sung, foreign))
        self.now = end
        return True

    def trap(self, kind: TrapKind, text: str) -> None:
        self.traps.append(Trap(self.utterances[-1].start, kind, text))


def _exchange(draft: _Draft, cast: tuple[int, int]) -> None:
    """One to three lines of the two people of the scene in turn, sometimes across a sound."""
    rng = draft.rng
    for turn in range(int(rng.integers(1, 4))):
        voice = cast[turn % 2]
        if draft.chance(_SPECIAL_SHARE):
            _special_line(draft, voice)
        else:
            draft.speak(dialogue.say(rng), voice)
        if draft.utterances and draft.lacks_sounds() and draft.chance(_OVERLAP_SHARE):
            last = draft.utterances[-1]
            draft.place_sound(last.start + float(rng.uniform(0, 0.7)) * (last.end - last.start))
        draft.now += float(rng.uniform(0.25, 0.8))


def _special_line(draft: _Draft, voice: int) -> None:
    """A line whose caption is more than its words."""
    rng = draft.rng
    kind = draft.next_special()
    if kind == "speaker":
        name = dialogue.NAMES[voice % len(dialogue.NAMES)]
        if draft.speak(dialogue.say(rng), voice, speaker=name):
            draft.trap("speaker", name)
    elif kind == "manner":
        manner = dialogue.MANNERS[rng.integers(len(dialogue.MANNERS))]
        if draft.speak(dialogue.say(rng), voice, manner=manner):
            draft.trap("manner", manner)
    elif kind == "parenthesis":
        _quoted_trap(draft, voice, "parenthesis", dialogue.PARENTHESES)
    elif kind == "hashtag":
        _quoted_trap(draft, voice, "hashtag", dialogue.HASHTAGS)
    else:
        _foreign(draft, voice)


def _quoted_trap(draft: _Draft, voice: int, kind: TrapKind, sentences: tuple[str, ...]) -> None:
    text = sentences[draft.rng.integers(len(sentences))]
    if draft.speak(text, voice):
        draft.trap(kind, text)


def _foreign(draft: _Draft, voice: int) -> None:
    """Speech that the captions only name: an event of its own kind."""
    language = dialogue.LANGUAGES[draft.rng.integers(len(dialogue.LANGUAGES))]
    if draft.speak(dialogue.say(draft.rng), voice, foreign=language):
        line = draft.utterances[-1]
        wording = Wording(f"speaking {language}", "speak", "")
        draft.add_event(line.start, line.end, "speech", "speech", 0, 0.0, wording)


def _song(draft: _Draft, voice: int) -> None:
    """A line or two sung over music."""
    start = draft.now
    draft.now += 2.0
    sung = 0
    for _ in range(int(draft.rng.integers(1, 3))):
        if draft.speak(dialogue.sing(draft.rng), voice, sung=True):
            line = draft.utterances[-1]
            wording = Wording("singing", "sing", "")
            draft.add_event(line.start, line.end, "song", "singing", 0, 0.0, wording)
            draft.now += 0.4
            sung += 1
    if sung:
        _music(draft, start, draft.now + 1.0)
        draft.now += 1.0


def _music(draft: _Draft, start: float, end: float) -> None:
    """A bed of music under what happens; none where the film ends too soon."""
    end = min(end, draft.seconds - _END_MARGIN)
    if end - start < _SHORTEST_MUSIC:
        return
    wording = _MUSIC_WORDINGS[draft.rng.integers(len(_MUSIC_WORDINGS))]
    variant, gain = int(draft.rng.integers(2**31)), float(draft.rng.uniform(-28, -22))
    draft.add_event(start, end, "music", "music", variant, gain, wording)


def _narration(draft: _Draft, voice: int) -> None:
    if draft.speak(
        dialogue.NARRATION[draft.rng.integers(len(dialogue.NARRATION))], voice, speaker="NARRATOR"
    ):
        draft.trap("narrator", "NARRATOR")


def _open_scene(draft: _Draft, end: float) -> Scene:
    rng = draft.rng
    first, second = (int(voice) for voice in rng.permutation(max(draft.speech.num_voices, 2))[:2])
    legend = ""
    if draft.chance(0.35):
        legend = dialogue.LEGENDS[rng.integers(len(dialogue.LEGENDS))]
        draft.traps.append(Trap(draft.now + 0.5, "on-screen text", legend))
    scene = Scene(draft.now, end, float(rng.uniform()), (first, second), legend)
    draft.scenes.append(scene)
    draft.now += 2.6 if legend else 0.6
    return scene


def _play_scene(draft: _Draft, scene: Scene) -> None:
    rng = draft.rng
    if draft.chance(0.2):
        _narration(draft, scene.cast[0])
        draft.now += 0.5
    if draft.chance(0.12):
        _song(draft, scene.cast[1])
    if draft.chance(0.2):
        _music(draft, draft.now, draft.now + float(rng.uniform(12, 25)))
        draft.now += 0.6
    while draft.now < scene.end:
        for _ in range(_MOST_IN_A_GAP):
            if draft.lacks_sounds():
                end = draft.place_sound(draft.now + float(rng.uniform(0.3, 0.8)))
                draft.now = end + float(rng.uniform(0.3, 1.0))
        _exchange(draft, scene.cast)
        draft.now += float(rng.choice([0.3, 0.8, 2.5]) * rng.uniform(0.8, 1.2))


def write_script(
    rng: Rng,
    title: str,
    seconds: float,
    sounds: SoundBank,
    speech: SpeechBank,
    sounds_per_minute: float = 8.0,
) -> Script:
    """Writes a film of which about two fifths are speech.

    Args:
        rng: where the randomness comes from; the same state writes the same film.
        title: shown on the first frame.
        seconds: the duration; everything ends a second before.
        sounds: the sound events to draw from.
        speech: the voices.
        sounds_per_minute: how many sound events to aim at; music, songs and speech come on top.
    """
    draft = _Draft(rng, sounds, speech, seconds, sounds_per_minute, now=2.0)
    while draft.now < seconds - 5:
        scene = _open_scene(draft, min(draft.now + float(rng.uniform(20, 60)), seconds))
        _play_scene(draft, scene)
    ends = [scene.start for scene in draft.scenes[1:]] + [seconds]
    scenes = [
        Scene(scene.start, end, scene.hue, scene.cast, scene.legend)
        for scene, end in zip(draft.scenes, ends, strict=True)
    ]
    return Script(
        title, seconds, tuple(scenes), tuple(draft.utterances),
        tuple(sorted(draft.events, key=lambda event: event.start)), tuple(draft.traps),
    )  # fmt: skip
