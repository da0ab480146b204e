"""A script written down in three styles and read again gives the sounds of the script."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mining.grammar.caption_scripts import SENTENCES, STYLES, Moment, scripts

relaxed = settings(deadline=None, max_examples=60)  # the machine may be busy with something else


@pytest.mark.parametrize("style", STYLES)
@relaxed
@given(script=scripts)
def test_every_style_gives_back_the_script(parse, style, script):
    parsed = parse(*(moment.render(style) for moment in script))
    found = [(tag.cue_index, tag.text, tag.lyrics) for tag in parsed.tags]
    assert found == [(n, *tag) for n, moment in enumerate(script) for tag in moment.expected]
    spoken = [(span.text, span.speaker.upper()) for span in parsed.dialogue]
    assert spoken == [(moment.sentence, moment.speaker) for moment in script if moment.sentence]
    for tag in parsed.tags:
        begin = 3000 * tag.cue_index
        beside_speech = bool(script[tag.cue_index].sentence)
        assert tag.time_source == ("interpolated" if beside_speech else "cue")
        expected = (begin, begin + 1000) if beside_speech else (begin, begin + 2000)
        assert (tag.start_ms, tag.end_ms) == expected


@pytest.mark.parametrize("style", STYLES)
@relaxed
@given(script=scripts, sentence=st.sampled_from(SENTENCES), place=st.integers(0, 12))
def test_adding_a_cue_of_dialogue_never_changes_the_sounds(parse, style, script, sentence, place):
    longer = [*script[:place], Moment(sentence=sentence), *script[place:]]
    before = parse(*(moment.render(style) for moment in script))
    after = parse(*(moment.render(style) for moment in longer))
    assert [tag.text for tag in after.tags] == [tag.text for tag in before.tags]


@pytest.mark.parametrize("style", STYLES)
@relaxed
@given(script=scripts, sentence=st.sampled_from(SENTENCES))
def test_adding_a_line_of_dialogue_to_a_cue_never_changes_the_sounds(parse, style, script, sentence):
    texts = [moment.render(style) for moment in script]
    before = parse(*texts)
    for n in range(len(texts)):
        after = parse(*texts[:n], f"{texts[n]}\n{sentence}", *texts[n + 1 :])
        assert [tag.text for tag in after.tags] == [tag.text for tag in before.tags]
