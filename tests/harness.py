"""The fixtures of all tests: command lines, processes, kill and resume, media, datasets and tiny models."""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from avtool.cli.main import run
from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.media.encode import FilmSettings, write_film

REPOSITORY = Path(__file__).resolve().parent.parent
AVTOOL = [sys.executable, "-m", "avtool"]
RATE = 16000


# --- command lines


@dataclass(frozen=True)
class Result:
    """What a command line gave."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The object that `--json` printed."""
        return json.loads(self.stdout)


def call(*arguments: object) -> int:
    """Runs a command line in this process; its exit code. What it prints is left to `capsys`."""
    return run([*map(str, arguments), "--no-progress"])


def run_avtool(*arguments: object) -> Result:
    """Runs a command line in this process."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as stdout,
        contextlib.redirect_stderr(io.StringIO()) as stderr,
    ):
        code = run([*map(str, arguments)])
    return Result(code, stdout.getvalue(), stderr.getvalue())


def run_avtool_apart(
    *arguments: object, timeout: float = 120, cwd: Path | None = None, **variables: str
) -> Result:
    """Runs a command line in a process of its own, with some environment variables set."""
    done = subprocess.run(
        [*AVTOOL, *map(str, arguments)],
        env=environment(**variables),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


# --- processes


def environment(**variables: str) -> dict[str, str]:
    """The environment of a child process: it finds avtool and the tests wherever it runs."""
    paths = [*filter(None, [variables.pop("PYTHONPATH", "")]), str(REPOSITORY)]
    paths += filter(None, [os.environ.get("PYTHONPATH", "")])
    return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(paths)}


def run_module(module: str, *arguments: object, timeout: float = 300, **variables: str) -> None:
    """Runs a module of the tests in a process of its own.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    subprocess.run(command, check=True, timeout=timeout, env=environment(**variables))


def run_two(module: str, *arguments: object, timeout: float = 300, **variables: str) -> None:
    """Runs a module in two processes joined by gloo over the loopback device.

    Raises:
        AssertionError: one of them failed; with what they printed.
    """
    launcher = "-m torch.distributed.run --standalone --local-addr 127.0.0.1 --nproc-per-node 2 -m"
    done = subprocess.run(
        [sys.executable, *launcher.split(), module, *map(str, arguments)],
        timeout=timeout,
        # gloo would look its own address up by the machine's name, which may lead nowhere
        env=environment(**variables, GLOO_SOCKET_IFNAME="lo"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]


def in_child(work: Callable[[], Any]) -> int:
    """Runs `work` in a forked process of its own group; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            os.setpgid(0, 0)
            work()
        except KeyboardInterrupt:
            code = 130
        except SystemExit as stop:
            code = int(stop.code or 0)
        except BaseException:  # noqa: BLE001 - a child must never return into the parent's code
            traceback.print_exc()
            code = 70
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def differences(folder: Path, reference: Path) -> list[str]:
    """The files of two runs that differ, those with times (`artifact.json`, `outcome.json`) aside."""
    names = {p.relative_to(f) for f in (folder, reference) for p in f.rglob("*") if p.is_file()}
    found = []
    for name in sorted(name for name in names if name.name not in {"artifact.json", "outcome.json"}):
        ours, theirs = folder / name, reference / name
        if not (ours.is_file() and theirs.is_file() and ours.read_bytes() == theirs.read_bytes()):
            found.append(str(name))
    return found


# --- media and datasets


def sine(seconds: float, pitch: float = 440.0, gain: float = 0.4, rate: int = RATE) -> np.ndarray:
    """A tone, (samples,) float32."""
    return (gain * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write_sine(path: Path, seconds: float = 0.5, gain: float = 0.5) -> Path:
    """Writes a tone of 440 Hz."""
    return write_wav(path, sine(seconds, gain=gain))


def noise(seconds: float, gain: float = 0.1, seed: int = 0) -> np.ndarray:
    """White noise, (samples,) float32."""
    values = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (gain * values).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Writes (samples,) or (samples, channels) and makes the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


PITCH = {"low": 300.0, "high": 3000.0}


def class_tone(label: str, seconds: float, seed: int = 0) -> np.ndarray:
    """A tone in noise of the class `low` or `high`, (samples,) float32: two classes that anything learns."""
    rng = np.random.default_rng(seed)
    tone = sine(seconds, PITCH[label] * rng.uniform(0.95, 1.05))
    return (tone + 0.02 * rng.standard_normal(tone.size)).astype(np.float32)


def write_tones(folder: Path, train: int = 8, val: int = 2, seconds: float = 0.6) -> Path:
    """A media folder `{train,val}/{low,high}/*.wav` of class tones."""
    for split, count in (("train", train), ("val", val)):
        for label in PITCH:
            for number in range(count):
                path = folder / split / label / f"{number}.wav"
                write_wav(path, class_tone(label, seconds, 100 * count + number))
    return folder


def prepare_tones(folder: Path, train: int = 8, val: int = 2, seconds: float = 0.6) -> Path:
    """The dataset of `write_tones`."""
    write_tones(folder / "files", train, val, seconds)
    assert call("prepare", folder / "files", "--out", folder / "data", "-q") == 0
    return folder / "data"


def chirp(seconds: float, rate: int = RATE, gain: float = 0.5) -> np.ndarray:
    """A sweep from 200 Hz up by 150 Hz a second, (samples,) float32: no two crops of it look alike."""
    t = np.arange(round(seconds * rate)) / rate
    return (gain * np.sin(2 * np.pi * (200 * t + 75 * t**2))).astype(np.float32)


def write_chirp(path: Path, seconds: float = 1.0, rate: int = RATE, gain: float = 1.0) -> Path:
    """Writes a chirp of half the full scale times `gain`."""
    return write_wav(path, gain * chirp(seconds, rate), rate)


def write_grey_film(
    path: Path, seconds: float = 4.0, *, sound: bool = True, fps: int = 10, size: tuple[int, int] = (48, 64)
) -> Path:
    """A film of grey frames, the lighter the later: grey = 20 + 5 * frame number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = (np.full((*size, 3), 20 + 5 * n, np.uint8) for n in range(round(seconds * fps)))
    blocks = [chirp(seconds)] if sound else []
    write_film(path, FilmSettings(fps=fps, sample_rate=RATE), frames=frames, audio=blocks)
    return path


def make_manifest(folder: Path, clips: Sequence[Clip]) -> Manifest:
    """Writes the manifest and reads it back, as any job gets it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, clips)
    return read_manifest(folder / "manifest.parquet")


def chirp_clips(folder: Path, count: int = 4, seconds: float = 1.0, **columns: Any) -> Manifest:
    """`count` clips of chirps that differ in loudness."""
    clips = []
    for n in range(count):
        write_chirp(folder / f"{n}.wav", seconds, gain=(n + 1) / count)
        clips.append(Clip(f"c{n}", f"{n}.wav", 0.0, seconds, labels=(f"l{n % 2}",), group=f"g{n}", **columns))
    return make_manifest(folder, clips)


def write_audio_clips(folder: Path, count: int = 8, seconds: float = 1.3, val: int = 0) -> Path:
    """A dataset of rising, wavering tones, the last `val` of which are for validation."""
    for number in range(count):
        write_wav(folder / f"{number}.wav", _wavering(number, seconds))
    return _write_clips(folder, "wav", count, seconds, val, has_audio=True, has_video=False)


def write_video_clips(folder: Path, count: int = 8, seconds: float = 3.0, val: int = 0) -> Path:
    """A dataset of films of a moving square with a wavering tone."""
    folder.mkdir(parents=True)
    settings = FilmSettings(fps=16, sample_rate=RATE)
    for number in range(count):
        frames = (_square(number, step) for step in range(round(seconds * 16)))
        write_film(folder / f"{number}.mp4", settings, frames=frames, audio=[_wavering(number, seconds)])
    return _write_clips(folder, "mp4", count, seconds, val, has_audio=True, has_video=True)


def write_images(folder: Path, count: int = 8, val: int = 0) -> Path:
    """A dataset of images of squares."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(_square(number, 3 * number)).save(folder / f"{number}.png")
    return _write_clips(folder, "png", count, 1.0, val, has_audio=False, has_video=True)


def _write_clips(folder: Path, suffix: str, count: int, seconds: float, val: int, **holds: bool) -> Path:
    clips = [
        Clip(
            str(number),
            f"{number}.{suffix}",
            0.0,
            seconds,
            split="val" if number >= count - val else "train",
            labels=() if holds["has_video"] else (str(number)[0],),
            extras=dict(holds),
        )
        for number in range(count)
    ]
    write_manifest(folder, clips)
    return folder


def _wavering(number: int, seconds: float) -> np.ndarray:
    """A tone that rises and wavers, different for each number."""
    t = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(number)
    sweep = (200 + 150 * number) * t * (1 + 0.3 * t)
    return (
        0.3 * np.sin(2 * np.pi * sweep) * (1 + np.sin(9 * t)) / 2 + 0.02 * rng.standard_normal(t.size)
    ).astype(np.float32)


def _square(number: int, step: int) -> np.ndarray:
    """(48, 64, 3) with a bright square on noise."""
    image = np.random.default_rng(number).integers(0, 60, (48, 64, 3), np.uint8)
    left, top = (4 + 2 * step * (1 + number % 3)) % 48, (5 * number) % 32
    image[top : top + 16, left : left + 16] = (255, 40 * (number % 6), 120)
    return image


# --- tiny models


ENCODERS: Mapping[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "cnn_tiny": (("audio",), {}),
    "avt_tiny": (("audio", "video"), {"num_mel_bins": 32}),
    "mae_tiny_pretrain": (("image",), {}),
    "audio_mae_tiny_pretrain": (("audio",), {"num_frames": 96}),
    "mavil_tiny_pretrain": (("audio", "video"), {"num_frames": 96, "image_size": 32}),
    "mbt_tiny": (
        ("audio", "video"),
        {"audio_frames": 96, "num_mel_bins": 32, "video_frames": 4, "image_size": 16},
    ),
}
"""Builder → its inputs, its arguments."""


def save_tagger(folder: Path, labels: Sequence[str] = ("bell", "dog", "engine")) -> Path:
    """A model folder of a tagger of audio with random weights."""
    import torch

    from avtool.data.inputs.audio import AudioInput
    from avtool.data.inputs.settings import AudioSettings
    from avtool.data.inputs.spec import InputSpec
    from avtool.inference.outputs import OutputSpec
    from avtool.models.model_folder import ModelDescription, save_model
    from avtool.models.registry import create

    torch.manual_seed(0)
    network = create("cnn_tiny", num_classes=len(labels)).eval()
    inputs = InputSpec((AudioInput(AudioSettings(num_mel_bins=64), 64),))
    outputs = OutputSpec("multi-label", tuple(labels), (len(labels),))
    description = ModelDescription(
        "cnn_tiny", {"num_classes": len(labels)}, {**outputs.to_json(), **inputs.to_json()}
    )
    save_model(folder, network.state_dict(), description)
    return folder


def save_encoder(folder: Path, builder: str = "cnn_tiny", seed: int = 0) -> Path:
    """A model folder with random weights, of 0.97 s of audio and of four frames in a second."""
    import torch

    from avtool.data.inputs.audio import AudioInput
    from avtool.data.inputs.image import ImageInput
    from avtool.data.inputs.settings import AudioSettings, VideoSettings
    from avtool.data.inputs.spec import InputSpec
    from avtool.data.inputs.video import VideoInput
    from avtool.models.model_folder import ModelDescription, save_model
    from avtool.models.registry import create

    torch.manual_seed(seed)
    names, arguments = ENCODERS[builder]
    model = create(builder, **arguments)
    size = arguments.get("image_size")
    frames = VideoSettings(
        num_frames=1 if "image" in names else 4, seconds=1.0, size=size or 32, short_side=size or 36
    )
    known = {
        "audio": AudioInput(AudioSettings(num_mel_bins=32), 96, -5.0, 4.0),
        "video": VideoInput(frames),
        "image": ImageInput(frames),
    }
    inputs = InputSpec(tuple(known[name] for name in names))
    save_model(folder, model.state_dict(), ModelDescription(builder, arguments, inputs.to_json()))
    return folder


def save_autoencoder(folder: Path, seed: int = 0) -> Path:
    """A model folder of PVDM's small autoencoder with random weights, of four frames of 32 x 32."""
    import torch

    from avtool.models.model_folder import ModelDescription, save_model
    from avtool.models.registry import create

    torch.manual_seed(seed)
    clip = {"frames": 4, "height": 32, "width": 32}
    model = create("pvdm_autoencoder_tiny", **clip)
    preprocess = {"task": "video-autoencoder", **clip}
    save_model(folder, model.state_dict(), ModelDescription("pvdm_autoencoder_tiny", clip, preprocess))
    return folder


def save_backbone(folder: Path, seed: int = 0) -> Path:
    """A model folder of timm's network for tests, with random weights: frames of 64 pixels have 2 rows."""
    import torch

    from avtool.data.inputs.processed import ProcessedImage
    from avtool.data.inputs.spec import InputSpec
    from avtool.models.hub.timm_encoder import preprocess_of
    from avtool.models.model_folder import ModelDescription, save_model
    from avtool.models.registry import create

    torch.manual_seed(seed)
    model = create("timm_tiny")
    inputs = InputSpec((ProcessedImage(config=preprocess_of(model.host)),))
    arguments = {"architecture": model.settings.architecture}
    save_model(folder, model.state_dict(), ModelDescription("timm", arguments, inputs.to_json()))
    return folder


# --- masked LMs and few-shot examples


CUES: Mapping[str, Sequence[str]] = {
    "human": ("man laughing", "woman sobs", "child giggles", "crowd cheering", "boy whispers", "lady sighs"),
    "animal": ("dog barking", "cat meows", "owl hooting", "horse neighs", "sheep bleats", "wolf howling"),
    "object": ("door slams", "engine revs", "glass shatters", "phone ringing", "clock ticks", "gate creaks"),
}
"""Invented cues by kind."""
CUE_WORDS = {"human": "person", "animal": "animal", "object": "machine"}


def save_masked_lm(folder: Path, kind: str = "roberta", texts: Sequence[str] = (), seed: int = 0) -> Path:
    """A folder of transformers: a tiny masked LM with random weights, and a tokenizer of the cues.

    Args:
        folder: to write.
        kind: `roberta` with a byte-level BPE, or `bert` with whole words.
        texts: that the tokenizer knows beside the cues.
        seed: of the weights.
    """
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    words = [
        *CUE_WORDS.values(),
        "great",
        "terrible",
        "bad",
        "good",
        "Yes",
        "No",
        "sound",
        "is",
        "a",
        "It",
        "was",
    ]
    corpus = [
        *(cue for cues in CUES.values() for cue in cues),
        *(f"it is {word} ." for word in words),
        *texts,
    ]
    tokenizer = _byte_tokenizer(corpus * 4) if kind == "roberta" else _word_tokenizer(corpus)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    more = {"type_vocab_size": 1, "max_position_embeddings": 130} if kind == "roberta" else {}
    special = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None, "eos_token_id": None}
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes, **more, **special)
    torch.manual_seed(seed)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _byte_tokenizer(corpus: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
    )  # fmt: skip


def _word_tokenizer(corpus: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    names += dict.fromkeys(word for text in corpus for word in text.split())
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        unk_token="[UNK]", mask_token="[MASK]",
    )  # fmt: skip


def write_cues(folder: Path) -> Path:
    """A table of cues and their kinds, with a task's file `kind.toml` and a masked LM `lm` beside it."""
    folder.mkdir(parents=True)
    rows = [f"{cue},{kind},{cue.split()[0]}" for kind, cues in CUES.items() for cue in cues]
    (folder / "cues.csv").write_text("\n".join(["text,kind,who", *rows, ""]))
    words = ", ".join(f'{kind} = "{word}"' for kind, word in CUE_WORDS.items())
    lines = ['title = "kind"', 'label = "kind"', 'group = "who"', f"words = {{ {words} }}"]
    lines += ['template = "*cls**sent_0*_is_a*mask*_sound.*sep+*"', 'metric = "macro-f1"', "demo_sets = 2"]
    (folder / "kind.toml").write_text("\n".join([*lines, ""]))
    save_masked_lm(folder / "lm")
    return folder / "cues.csv"
