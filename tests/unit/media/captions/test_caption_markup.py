"""What stays of a cue's text when tags, codes and entities are gone."""

import pytest

from avtool.media.captions.markup import mend_mojibake, plain_ass, plain_subrip, plain_webvtt


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ('<font color="#00ff00"><b>[music]</b></font>', "[music]"),
        ("{\\an8}[door slams]", "[door slams]"),
        ("{\\pos(142,120)\\b1}Hi", "Hi"),
        ("one\\Ntwo", "one\ntwo"),
        ("Salt &amp; pepper&nbsp;&lt;3", "Salt & pepper <3"),
        ("&lt;i&gt;", "<i>"),
        ("<sighs> 3 < 4 > 2 <hhh>", "<sighs> 3 < 4 > 2 <hhh>"),
        ("\u200b\ufeff\u200e[thud]\u00ad", "[thud]"),
        ("  two  words \t", "two  words"),
        ("first<br/>second", "first\nsecond"),
        ("\x00\x07bell&#7;", "bell"),
    ],
)
def test_subrip(marked, plain):
    assert "\n".join(plain_subrip(marked).lines) == plain


@pytest.mark.parametrize(
    ("marked", "plain", "voice"),
    [
        ("<v Roger Bingham>We are here", "We are here", "Roger Bingham"),
        ("<v.loud.first Mary Ann>Hee!</v>", "Hee!", "Mary Ann"),
        ("<v Tom>Hi</v>\n<v Ann>Hey</v>", "Hi\nHey", "Tom, Ann"),
        ("<v A &amp; B>Hi", "Hi", "A & B"),
        ("When <00:17.500>the <00:00:18.000>moon", "When the moon", ""),
        ("<c.yellow.bg_blue>[thunder]</c> <lang en>x</lang> <>y", "[thunder] x y", ""),
        ("&lrm;[door]&rlm;", "[door]", ""),
        ("a < b and <c without end", "a < b and <c without end", ""),
    ],
)
def test_webvtt(marked, plain, voice):
    found = plain_webvtt(marked)
    assert ("\n".join(found.lines), found.voice) == (plain, voice)


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("{\\i1}x{\\i0}{comment}y", "xy"),
        ("soft\\nhard\\Nspace\\hend", "soft\nhard\nspace end"),
        ("{\\p1}m 0 0 l 100 0 100 100{\\p0}", ""),
        ("before{\\p1}m 0 0{\\p0}after", "beforeafter"),
        ("{\\pos(1,2)\\fnArial}text", "text"),
        ("{unclosed", "{unclosed"),
    ],
)
def test_ass(marked, plain):
    assert "\n".join(plain_ass(marked).lines) == plain


@pytest.mark.parametrize(
    ("found", "italic"),
    [
        (plain_subrip("<i>all\nof it</i>"), True),
        (plain_subrip("<I>not closed"), True),
        (plain_subrip("<i>half</i> of it"), False),
        (plain_subrip("{\\i1}all{\\i0}"), True),
        (plain_subrip("- <i>one</i>\n- <i>two</i>"), False),
        (plain_subrip("</i>none"), False),
        (plain_webvtt("<v Bob><i.loud>all</i></v>"), True),
        (plain_ass("{\\i1}all"), True),
        (plain_ass("style", italic=True), True),
        (plain_ass("{\\i0}style off", italic=True), False),
        (plain_ass("{\\i0}off {\\r}on", italic=True), False),
        (plain_subrip("<i></i>"), False),
    ],
)
def test_a_cue_is_italic_only_if_all_of_it_is(found, italic):
    assert found.italic is italic


def test_notes_decoded_with_the_wrong_encoding_are_mended():
    damaged = "♪ La ♪ it’s “x”".encode().decode("cp1252", errors="ignore")
    text, count = mend_mojibake("â™ª La â™ª itâ€™s")
    assert (text, count) == ("♪ La ♪ it’s", 3)
    assert mend_mojibake("château, pâte, Ra’â") == ("château, pâte, Ra’â", 0)
    assert "♪" in mend_mojibake(damaged)[0]
