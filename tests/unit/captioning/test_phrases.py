"""The phrase tables: every class of AudioSet, YAMNet and SAM-S has a phrase that reads back to its sound."""

import csv
import re
from pathlib import Path

import pytest

from avtool.captioning.phrases import phrase_book
from avtool.captioning.phrases.phrase_book import GROUPS, plain_label, read_phrases
from avtool.core.errors import BadInputError
from avtool.mining.tagger import Tagger
from avtool.models.yamnet.weights import class_names

_FOLDER = Path(phrase_book.__file__).parent
_NO_SOUND = ("never", "noise", "speech", "music")


def rows_of(name: str) -> list[dict[str, str]]:
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


ROWS = [(name, row) for name in ("audioset", "sams", "others") for row in rows_of(name)]


def test_every_class_of_yamnet_has_a_row() -> None:
    names = {row["label"] for row in rows_of("audioset")}
    assert len(names) == 527
    assert set(class_names()) <= names


def test_every_class_of_audioset_has_a_row(test_data: Path) -> None:
    with (test_data / "labels" / "audioset" / "class_labels_indices.csv").open(newline="") as stream:
        wanted = {row["display_name"] for row in csv.DictReader(stream)}
    assert {row["label"] for row in rows_of("audioset")} == wanted


def test_every_sound_of_sams_has_a_row(test_data: Path) -> None:
    with (test_data / "sams" / "movie_sounds.csv").open(newline="") as stream:
        wanted = {row["label"] for row in csv.DictReader(stream)}
    assert {row["label"] for row in rows_of("sams")} == wanted
    assert len(wanted) == 245


@pytest.mark.parametrize("name", ["audioset", "sams", "others"])
def test_labels_are_unique_and_parents_are_labels_or_groups(name: str) -> None:
    rows = rows_of(name)
    labels = [plain_label(row["label"]) for row in rows]
    assert len(labels) == len(set(labels))
    parents = {plain_label(row["parent"]) for row in rows if row["parent"]}
    assert parents - set(labels) <= set(GROUPS)


def test_no_class_is_its_own_ancestor() -> None:
    parents = {plain_label(row["label"]): plain_label(row["parent"]) for row in rows_of("audioset")}
    for label in parents:
        line, at = [label], label
        while at := parents.get(at, ""):
            assert at not in line, line
            line.append(at)


def test_phrases_are_short_and_in_lower_case() -> None:
    for table, row in ROWS:
        assert re.fullmatch(r"[a-z][a-z' ]*", row["en"]), (table, row)
        assert len(f"[{row['en']}]") <= 42, (table, row)


def test_phrases_of_events_are_in_the_third_person() -> None:
    tagger = Tagger()
    phrases = {row["en"] for _, row in ROWS if row["kind"] not in _NO_SOUND}
    gerunds = {phrase for phrase in phrases if tagger.tag(phrase).aspect == "sustained"}
    assert gerunds <= {"knocking on door", "pounding on door", "opera singing"}


def test_phrases_read_back_to_sounds() -> None:
    tagger = Tagger()
    audible = [row for _, row in ROWS if row["kind"] not in ("never", "noise", "speech")]
    unread = [row["en"] for row in audible if not tagger.tag(row["en"]).sounds]
    assert len(unread) <= 0.05 * len(audible), unread


def test_phrases_of_sams_read_back_to_their_own_sound() -> None:
    tagger = Tagger()
    rows = rows_of("sams")
    wrong = [row["label"] for row in rows if row["label"] not in tagger.tag(row["en"]).sounds]
    assert len(wrong) <= 0.05 * len(rows), wrong


def test_spellings_of_datasets_are_one_label() -> None:
    found = read_phrases().classes(
        ["Walk_and_footsteps", "Walk, footsteps", "crying_baby", "door_wood_knock"]
    )
    phrases = [one.phrase for one in found]
    assert phrases == ["footsteps pass", "footsteps pass", "baby cries", "knocking on door"]
    assert [one.label for one in found][:2] == ["Walk_and_footsteps", "Walk, footsteps"]


def test_the_table_that_has_most_of_the_labels_decides() -> None:
    crow = {"crow": read_phrases().classes(["crow", "slam", "thud", "sniffle", "whinny"])[0].phrase}
    assert crow == {"crow": "rooster crows"}
    assert read_phrases().classes(["Crow", "Caw", "Bird", "Music"])[0].phrase == "crow caws"


def test_a_model_without_the_parents_keeps_the_families() -> None:
    dog, cat, thunk, bang = read_phrases().classes(["Dog", "Cat", "Thunk", "Bang"])
    assert not dog.is_alike(cat)
    assert thunk.is_alike(bang)
    assert "animal" in dog.ancestors


def test_an_unknown_label_is_its_own_phrase() -> None:
    (found,) = read_phrases().classes(["Espresso_machine"])
    assert (found.phrase, found.kind) == ("espresso machine", "event")


def test_own_phrases_come_first_and_bring_their_language(tmp_path: Path) -> None:
    own = tmp_path / "de.csv"
    own.write_text("label,phrase,kind\nBark,Hund bellt,\nVoices,,speech\n", encoding="utf-8")
    bark, voices, meow = read_phrases("de", own).classes(["Bark", "Voices", "Meow"])
    assert (bark.phrase, voices.kind, meow.phrase) == ("Hund bellt", "speech", "cat meows")


@pytest.mark.parametrize(
    ("language", "content", "message"),
    [
        ("xx", None, "no phrases in the language `xx`"),
        ("en", "label,text\nBark,wuff\n", "no column `phrase`"),
        ("en", "label,phrase,kind\nBark,wuff,sound\n", "line 2: `sound` is no kind of class"),
        ("en", b"label,phrase\nBark,\xff\n", "no CSV file in UTF-8"),
    ],
)
def test_bad_phrases_are_refused(
    language: str, content: str | bytes | None, message: str, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv" if content else None
    if own and content:
        own.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInputError, match=re.escape(message)):
        read_phrases(language, own)
