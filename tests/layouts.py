"""A small source of each layout that `avtool prepare` reads."""

import io
import tarfile
from pathlib import Path

import numpy as np
import soundfile

from avtool.media.encode import FilmSettings, write_film
from tests.harness import RATE, sine


def write(path: Path, text: str) -> Path:
    """Writes a text file and makes the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def touch(folder: Path, *names: str) -> Path:
    """Makes empty files."""
    for name in names:
        write(folder / name, "")
    return folder


UCF = {
    "classInd.txt": "1 Archery\n2 Biking\n",
    "trainlist01.txt": "Archery/v_Archery_g08_c01.avi 1\n",
    "testlist01.txt": "Biking/v_Biking_g01_c02.avi\n",
    "trainlist02.txt": "Biking/v_Biking_g01_c02.avi 2\n",
    "testlist02.txt": "Archery/v_Archery_g08_c01.avi\n",
}
EPIC = (
    "narration_id,participant_id,video_id,start_timestamp,stop_timestamp,narration,verb,verb_class,noun,noun_class\n"
    "P01_01_0,P01,P01_01,00:00:01.50,00:01:02.25,open door,open,3,door,12\n"
    "P01_01_1,P01,P01_01,01:00:00,01:00:01,shut it,shut,4,door,12\n"
)
KINETICS = "label,youtube_id,time_start,time_end,split,is_cc\ntai chi,abcdefghijk,19,29,validate,0\n"


ACTIVITYNET = '{"v_a": {"duration": 20, "timestamps": [[0.5, 4], [3, 20]], "sentences": ["A man.", " He."]}}'
YOUCOOK2 = (
    '{"database": {"b": {"duration": 9.5, "subset": "training", "annotations": '
    '[{"id": 0, "segment": [2, 5], "sentence": "cut it"}]}}}'
)


def make_layouts(folder: Path) -> Path:
    """One small source of each layout but `dataset`, in a folder of its name."""
    touch(folder / "folders", "dog/1.wav", "dog/b/2.flac", "cat/3.mp4", "cat/notes.txt")
    write(folder / "csv" / "list.csv", "film,start,end,label,mood\nx.mp4,1.5,3,a;b,sad\n")
    touch(folder / "esc50", "001 - Dog bark/1-100-A.ogg", "003 - Sea waves/5-200-B.ogg")
    for name, text in UCF.items():
        write(folder / "ucf101" / "ucfTrainTestlist" / name, text)
    lines = "April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1\nMuh_brush_hair_f_1.avi 0\n"
    write(folder / "hmdb51" / "brush_hair_test_split1.txt", lines)
    write(folder / "epic-kitchens" / "EPIC_100_train.csv", EPIC)
    write(folder / "kinetics" / "kinetics700_val.csv", KINETICS)
    write(folder / "activitynet-captions" / "val_1.json", ACTIVITYNET)
    write(folder / "youcook2" / "youcookii_annotations_trainval.json", YOUCOOK2)
    write(folder / "sams" / "val.json", '{"data": [{"wav": "F/1.wav", "labels": "music", "sources": "tv"}]}')
    write(folder / "audioset" / "eval_segments.csv", 'YTID,a,b,c\nabcdefghij-,1.000,11.000,"/m/1,/m/2"\n')
    write(folder / "vggsound" / "test.csv", 'abcdefghijk_000030.mp4,"bird, small"\n')
    touch(folder / "csv-folder", "audio/a.wav")
    write(folder / "csv-folder" / "metadata.csv", "file_name,label\naudio/a.wav,dog\n")
    header = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    write(
        folder / "urbansound8k" / "metadata" / "UrbanSound8K.csv",
        f"{header}7-3-0-0.wav,7,5,9,1,1,3,dog_bark\n",
    )
    write(
        folder / "fsd50k" / "FSD50K.ground_truth" / "dev.csv", "fname,labels,mids,split\n7,Bark,/m/1,train\n"
    )
    (folder / "webdataset").mkdir()
    write_tar(folder / "webdataset" / "00.tar", {"1.wav": wav_bytes(0.1), "1.json": b'{"label": "dog"}'})
    words = folder / "speech-commands"
    touch(words, *(f"{word}/{speaker}_nohash_0.wav" for word in ("bed", "up") for speaker in "ab"))
    write(words / "validation_list.txt", "bed/b_nohash_0.wav\n")
    write(words / "testing_list.txt", "up/b_nohash_0.wav\n")
    rows = '{"train": [["a.jpg", 0, "cat"]], "val": [], "test": [["b.jpg", 0, "cat"]]}'
    write(folder / "coop-split" / "split_zhou_OxfordPets.json", rows)
    write(folder / "fgvc-aircraft" / "variants.txt", "707-320\n727-200\n")
    for split, line in (("train", "0034309 707-320\n"), ("val", ""), ("test", "1062765 727-200\n")):
        write(folder / "fgvc-aircraft" / f"images_variant_{split}.txt", line)
    write(folder / "imagenet-names" / "classnames.txt", "n01440764 tench\nn01443537 goldfish\n")
    touch(folder / "imagenet-names" / "images", "train/n01440764/1.JPEG", "val/n01440764/2.JPEG")
    return folder


def wav_bytes(seconds: float) -> bytes:
    """A WAV file of a tone."""
    content = io.BytesIO()
    soundfile.write(content, sine(seconds), RATE, format="WAV")
    return content.getvalue()


def write_tar(path: Path, files: dict[str, bytes] | list[tuple[str, bytes]]) -> Path:
    """Writes a tar file with its members in the given order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files.items() if isinstance(files, dict) else files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def sample_of(folder: Path, layout: str) -> Path:
    """The source of a layout among those of `make_layouts`."""
    return folder / "csv" / "list.csv" if layout == "csv" else folder / layout


def make_kitchen(folder: Path) -> Path:
    """EPIC-Kitchens' layout with films: verbs by how a square changes, nouns by its colour and its tone."""
    header = EPIC.splitlines()[0]
    rows: dict[str, list[str]] = {"train": [header], "validation": [header]}
    nouns = {"door": (300.0, (230, 40, 40)), "tap": (1500.0, (40, 40, 230))}
    for number in range(10):
        frames, tones = [], []
        part = "train" if number < 8 else "validation"
        for place in range(4):
            verb, noun = ("open", "close")[place % 2], list(nouns)[place // 2]
            hertz, colour = nouns[noun]
            for step in range(12):
                frame = np.full((40, 40, 3), 20 + number, np.uint8)
                size = 2 + 3 * (step if verb == "open" else 11 - step)
                frame[4 : 4 + size, 4 : 4 + size] = colour
                frames.append(frame)
            tones.append(20_000 * sine(1.5, hertz + 10 * number))
            times = f"00:00:0{1.5 * place:.2f},00:00:0{1.5 * (place + 1):.2f}"
            name = f"P{number:02d}_01"
            rows[part].append(
                f"{name}_{place},P{number:02d},{name},{times},x,{verb},{place % 2},{noun},{place // 2}"
            )
        path = folder / f"P{number:02d}_01.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        audio = np.concatenate(tones).astype(np.int16)[None]
        write_film(path, FilmSettings(fps=8, sample_rate=RATE), frames=frames, audio=audio)
    for part, lines in rows.items():
        write(folder / f"EPIC_100_{part}.csv", "\n".join(lines) + "\n")
    return folder
