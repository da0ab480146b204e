import pytest

from avtool.mining.tagger.normalise import MAX_LENGTH, normalise


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("  Door   SLAMS ", "door slams"),
        ("door&nbsp;slams &amp; rattles", "door slams & rattles"),
        ("<font color=red>hiss</font>", "hiss"),
        ("{\\i1}hiss{\\i0}", "hiss"),
        ("♪♪♪", "music"),
        ("♪ gentle waltz ♪", "gentle waltz"),
        ("“woman’s voice”", "woman's voice"),
        ("- sighs", "sighs"),
        (">> applause", "applause"),
        ("MRS. HALL: (sighs)", "sighs"),
        ("speaking over p.a.", "speaking over pa"),
        ('"Moon River" playing', "song playing"),
        ("ｄｏｏｒ　ｓｌａｍｓ", "door slams"),
        ("gasps—coughs", "gasps coughs"),
        ("...", ""),
        ("", ""),
        ("bb-8 chirps", "bb-8 chirps"),
    ],
)
def test_plain_text(raw: str, plain: str) -> None:
    assert normalise(raw) == plain


def test_a_speaker_alone_is_kept() -> None:
    assert normalise("narrator:") == "narrator"


def test_a_hostile_length_is_cut() -> None:
    assert len(normalise("a" * 10 * MAX_LENGTH)) == MAX_LENGTH
