"""Benchmarks of sounds and of paired audio and video, end to end on small made data in their layouts."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.cli.main import run
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.inference.predictor import Predictor
from avtool.inference.windows import spaced_windows
from avtool.media.encode import FilmSettings, write_film
from tests.harness import RATE, save_encoder, sine

transformers = pytest.importorskip("transformers")
HZ = {"dog_bark": 300.0, "siren": 1500.0}


def tone(path: Path, hertz: float, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.02, RATE).astype(np.float32)
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE) + noise, RATE)


@pytest.fixture(scope="module")
def urban(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """UrbanSound8K's layout: ten folds, a clip of each of two classes in each."""
    folder = tmp_path_factory.mktemp("urban")
    rows = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
    for fold in range(1, 11):
        for target, (label, hertz) in enumerate(HZ.items()):
            name = f"{fold}{target}-{target}-0-0.wav"
            tone(folder / "audio" / f"fold{fold}" / name, hertz, fold)
            rows.append(f"{name},{fold}{target},0,1,1,{fold},{target},{label}")
    (folder / "metadata").mkdir()
    (folder / "metadata" / "UrbanSound8K.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder") / "model", "audio_mae_tiny_pretrain")


def report(capsys: pytest.CaptureFixture[str], benchmark: str, *arguments: object) -> dict:
    common = ["eval", "--benchmark", benchmark, "--device", "cpu", "--json", "--no-progress", "-q"]
    capsys.readouterr()
    assert run([*common, *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)["report"]


def test_urban_sounds_have_ten_folds(urban: Path, encoder: Path, capsys) -> None:
    found = report(
        capsys, "urbansound8k", "--data", urban, "--encoder", encoder, "--protocol", "knn",
        "--set", "random_init=false", "--set", "neighbours=3",
    )  # fmt: skip
    assert found["metrics"]["folds"] == list(range(1, 11))
    assert found["metrics"]["accuracy"] >= 90
    assert "SB-CNN" in json.dumps(found["tables"][0], ensure_ascii=False)


def test_spoken_words_have_an_official_split(tmp_path: Path, encoder: Path, capsys) -> None:
    lists: dict[str, list[str]] = {"validation_list.txt": [], "testing_list.txt": []}
    for word, hertz in (("bed", 300.0), ("up", 1500.0)):
        for speaker in range(6):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            tone(tmp_path / name, hertz, speaker)
            if speaker > 3:
                lists["testing_list.txt" if speaker == 5 else "validation_list.txt"].append(name)
    tone(tmp_path / "_background_noise_" / "hum.wav", 100.0, 0)
    for name, files in lists.items():
        (tmp_path / name).write_text("\n".join(files) + "\n")
    found = report(
        capsys, "speech-commands", "--data", tmp_path, "--encoder", encoder, "--protocol", "knn",
        "--set", "random_init=false", "--set", "neighbours=3",
    )  # fmt: skip
    assert found["metrics"]["accuracy"] == 100
    assert found["tables"][1]["rows"][0][2] == 2  # test clips
    assert any("2 classes, officially 35" in text for text in found["caveats"])


def test_clips_of_several_labels_are_trained_on_and_scored(tmp_path: Path, capsys) -> None:
    data = tmp_path / "FSD50K"
    truth = data / "FSD50K.ground_truth"
    truth.mkdir(parents=True)
    rows = {"dev": ["fname,labels,mids,split"], "eval": ["fname,labels,mids"]}
    for number in range(24):
        low = number % 2 == 0
        labels, part = ('"Bark,Dog,Animal"' if low else "Siren"), "dev" if number < 18 else "eval"
        split = f",{'val' if number > 14 else 'train'}" if part == "dev" else ""
        rows[part].append(f"{number},{labels},/m/1{split}")
        tone(data / f"FSD50K.{part}_audio" / f"{number}.wav", 300.0 if low else 1500.0, number)
    for part, lines in rows.items():
        (truth / f"{part}.csv").write_text("\n".join(lines) + "\n")
    found = report(
        capsys, "fsd50k", "--data", data, "--training", "finetune/esc50-cnn-tiny", "--epochs", 20,
        "--runs", tmp_path / "runs", "--set", "unlabelled=skip",
    )  # fmt: skip
    metrics = found["metrics"]
    assert (metrics["clips"], metrics["classes_scored"]) == (6, 4)
    assert {row["class"] for row in metrics["per_class"]} == {"Animal", "Bark", "Dog", "Siren"}
    assert metrics["mAP"] > 0.9


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VGGSound's layout: films of three classes, eight to test."""
    folder = tmp_path_factory.mktemp("vgg")
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(10):
        name = f"film{number:07d}_000030"
        frames = np.full((8, 40, 40, 3), 20 * number, np.uint8)
        write_film(
            folder / f"{name}.mp4", FilmSettings(fps=8, sample_rate=RATE), frames=list(frames),
            audio=(sine(1.0, 200.0 + 150 * number) * 20000).astype(np.int16)[None],
        )  # fmt: skip
        part = "train" if number > 7 else "test"
        lists[part].append(f'{name}.mp4,"{["bird, small", "dog", "cat"][number % 3]}"')
    for part, lines in lists.items():
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(("benchmark", "clips"), [("vggsound-retrieval", 8), ("pairs.toml", 6)])
def test_audio_finds_its_video_among_clips_of_each_class(
    pairs: Path, tmp_path: Path, capsys, benchmark: str, clips: int
) -> None:
    if benchmark.endswith(".toml"):
        shipped = Path(__file__).parents[4] / "avtool" / "benchmarks" / "vggsound-retrieval.toml"
        text = shipped.read_text(encoding="utf-8").replace("per_class = 5", "per_class = 2")
        benchmark = str(tmp_path / benchmark)
        Path(benchmark).write_text(text, encoding="utf-8")
    encoder = save_encoder(tmp_path / "avt", "avt_tiny")
    found = report(capsys, benchmark, "--data", pairs, "--encoder", encoder)
    metrics = found["metrics"]
    assert metrics["clips"] == clips
    for way in ("audio → video", "video → audio"):
        assert 0 <= metrics[way]["R@1"] <= metrics[way]["R@5"] <= metrics[way]["R@10"] == 100
    assert metrics["random_init"]["clips"] == clips
    assert any(f"{clips}." in note for note in found["notes"])


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AudioSet's evaluation list alone, and the films that it cuts: eight, one of them without audio."""
    folder = tmp_path_factory.mktemp("audioset")
    lines = ["# Segments csv", "# num_ytids=8", "# YTID, start_seconds, end_seconds, positive_labels"]
    for number in range(8):
        name = f"film{number:07d}"
        frames = np.random.default_rng(number).integers(0, 255, (10, 40, 40, 3), np.uint8)
        sound = (sine(1.25, 200.0 + 150 * number) * 20000).astype(np.int16)[None]
        write_film(
            folder / f"{name}_30000.mp4", FilmSettings(fps=8, sample_rate=RATE), frames=list(frames),
            audio=[] if number == 7 else sound,
        )  # fmt: skip
        lines.append(f'{name}, 30.000, 31.250, "{"/m/1,/m/2" if number == 6 else "/m/1"}"')
    (folder / "eval_segments.csv").write_text("\n".join(lines) + "\n")
    (folder / "class_labels_indices.csv").write_text("index,mid,display_name\n0,/m/1,Bird\n1,/m/2,Dog\n")
    return folder


def test_audioset_is_searched_by_pe_av(
    segments: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranks are those of the library's own features of each film's audio and frames."""
    from tests.parity.test_phrases import saved

    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    saved("pe_av", tmp_path / "pe")
    found = report(capsys, "audioset-retrieval", "--data", segments, "--encoder", tmp_path / "pe")
    metrics = found["metrics"]
    assert (
        metrics["clips"] == metrics["random_init"]["clips"] == 5
    )  # of each class five, with audio and video
    predictor = Predictor(tmp_path / "pe", RuntimeRecipe(device="cpu"), Silent())
    films = [segments / f"film{number:07d}_30000.mp4" for number in range(5)]
    unit = {}
    for modality in ("audio", "video"):
        only = predictor.only(modality)
        rows = [only.features(spaced_windows(Item(str(film), film), only.inputs, 1))[0] for film in films]
        unit[modality] = np.stack([row / np.linalg.norm(row) for row in rows])
    similar = unit["audio"] @ unit["video"].T
    hits = (similar.argmax(axis=1) == np.arange(5)).mean()
    assert metrics["audio → video"]["R@1"] == pytest.approx(100 * hits)


def clap(folder: Path) -> Path:
    """A CLAP of random weights, with a tokenizer of single words."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    from tests.parity.test_transformers_encoder import made

    model, extractor = made("clap", true=False)
    words = ["<pad>", "<unk>", "this", "is", "a", "sound", "of", "dog", "bark", "siren", "This", "."]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", model_max_length=32
    )
    for part in (model, extractor, fast):
        part.save_pretrained(folder)
    return folder


def test_classes_are_texts_without_any_training(urban: Path, tmp_path: Path, capsys) -> None:
    """The predictions are the library's own: each clip's most similar text."""
    import torch

    folder = clap(tmp_path / "clap")
    found = report(
        capsys,
        "urbansound8k",
        "--data",
        urban,
        "--encoder",
        folder,
        "--protocol",
        "zero-shot",
        "--unverified",
    )
    whole = transformers.ClapModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    extractor = transformers.ClapFeatureExtractor.from_pretrained(folder)
    texts = tokenizer(
        [f"This is a sound of {name}." for name in ("dog bark", "siren")], return_tensors="pt", padding=True
    )
    right = []
    for path in sorted((urban / "audio").rglob("*.wav")):
        samples, rate = soundfile.read(path, dtype="float32")
        import torchaudio

        waveform = torchaudio.functional.resample(torch.from_numpy(samples), rate, 48000).numpy()
        given = extractor([waveform], sampling_rate=48000, return_tensors="pt")
        with torch.no_grad():
            logits = whole(
                **{name: texts[name] for name in ("input_ids", "attention_mask")},
                input_features=given["input_features"], is_longer=torch.zeros(1, 1, dtype=torch.bool),
            ).logits_per_audio  # fmt: skip
        right.append(int(logits.argmax()) == int(path.name.split("-")[1]))
    assert found["metrics"]["accuracy"] == pytest.approx(100 * np.mean(right), abs=1e-6)
    assert "CLAP, LAION" in json.dumps(found["tables"][0], ensure_ascii=False)
    no_text = save_encoder(tmp_path / "mae", "audio_mae_tiny_pretrain")
    capsys.readouterr()
    arguments = ["--data", str(urban), "--encoder", str(no_text), "--protocol", "zero-shot"]
    assert run(["eval", "--benchmark", "urbansound8k", *arguments, "--device", "cpu", "--no-progress"]) == 2
    assert "compares no texts with images, audio or video" in capsys.readouterr().err
