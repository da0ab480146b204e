"""The labelling conventions, each with examples: tag → sounds / sources / qualities."""

import pytest

from avtool.mining.tagger import Tagger

CONVENTIONS = {
    "the verb is the sound, the noun its source": """
        hyena cackling            -> cackle / hyena /
        otters splashing          -> splash / otter /
        tractor sputters          -> sputter / tractor /
        geese honk                -> honk / goose /
        sneezes                   -> sneeze / /
        squelch                   -> squelch / /
        rooster crows             -> crow / rooster /
        magpie cawing             -> caw / magpie /
        """,
    "manner, loudness and distance are qualities": """
        sobs quietly              -> sob / / quietly
        hounds baying in distance -> bay / hound / in distance
        in the background, hounds baying -> bay / hound / in background
        piercing shriek           -> shriek / / piercing
        hacking cough             -> cough / / hacking
        wheezing laugh            -> laugh / / wheezing
        gurgles contentedly       -> gurgle / / contentedly
        groans in agony           -> groan / / in agony
        """,
    "what starts, stops or moves is in a state and makes no sound by that": """
        tractor approaching       -> / tractor / approaching
        tractor approaches        -> / tractor / approaching
        generator shuts off       -> / generator / off
        generator starts up       -> / generator / start
        drone powers up           -> / drone / powering up
        drilling stops            -> drill / / stop
        """,
    "quantities, articles and 'continues' are dropped": """
        all snickering            -> snicker / /
        both yawn                 -> yawn / /
        the gate creaks twice     -> creak / gate /
        chanting continues        -> chant / /
        continues snoring         -> snore / /
        clears her throat         -> clears throat / /
        """,
    "several sounds share their source": """
        drawer opens and closes   -> open, close / drawer /
        whistling and clapping    -> whistle, clap / /
        clattering, then thudding -> clatter, thud / /
        laughs; coughs            -> laugh, cough / /
        king and queen laughing   -> laugh / king, queen /
        """,
    "music: the mood is a quality, the instrument a source, the genre nothing": """
        gloomy music playing      -> music / / gloomy
        brooding cello music      -> music / cello / brooding
        bossa nova music playing  -> music / /
        banjo playing             -> music / banjo /
        strumming ukulele         -> music / ukulele /
        brass band playing        -> music / brass band /
        tender ballad playing     -> ballad / / tender
        music swells              -> music / / swell
        humming lullaby           -> hum / /
        singing folk song         -> sing / /
        murmur over rap music     -> murmur, music / /
        """,
    "the medium is the source": """
        man laughing on tv        -> laugh / tv /
        woman over loudspeaker    -> / loudspeaker /
        speaks over p.a.          -> speak / pa /
        cheering on radio         -> cheer / radio /
        waltz playing on jukebox  -> music / jukebox /
        """,
    "a language or an accent is speech": """
        speaking swahili          -> speak / /
        nun speaking latin        -> speak / nun /
        in welsh accent           -> speak / /
        mutters in dutch          -> mutter / /
        polish soldier yells      -> yell / soldier /
        """,
    "compounds stay whole, parts give way to the whole": """
        garage door rattling      -> rattle / garage door /
        tow truck honks           -> honk / tow truck /
        helicopter blades whirring -> whir / helicopter /
        boat engine humming       -> hum / engine /
        church bells pealing      -> toll / church bell /
        """,
    "names are sources, and alone they are no event": """
        esmeralda hiccups         -> hiccup / esmeralda /
        zorb lix chuckles         -> chuckle / zorb lix /
        hiccup gasps              -> gasp / hiccup /
        man 3 coughing            -> cough / man 3 /
        esmeralda                 -> / /
        bishop                    -> / /
        old woman                 -> / /
        she                       -> / /
        emma in dutch             -> speak / /
        """,
    "what is played, struck or blown": """
        knocks on window          -> knock / window /
        pounding at door          -> pound / door /
        cracks knuckles           -> crack / knuckle /
        whistle blowing           -> whistle / /
        blows whistle             -> whistle / /
        puts on helmet            -> / /
        """,
    "unknown words are placed by their form": """
        contraption floofing      -> floof / contraption /
        loom shuttling            -> shuttle / loom /
        zerblax growls            -> growl / zerblax /
        chuckles ruefully         -> chuckle / / ruefully
        purple dinosaur singing   -> sing / dinosaur /
        dr. evil cackles          -> cackle / evil /
        """,
    "notes about the captions are no event": """
        english sdh               -> / /
        inaudible                 -> / /
        """,
}


def _examples() -> list[tuple[str, str, list[list[str]]]]:
    found = []
    for convention, block in CONVENTIONS.items():
        for line in block.strip().splitlines():
            tag, labels = line.split("->")
            parts = [[word for word in part.strip().split(", ") if word] for part in labels.split("/")]
            found.append((convention, tag.strip(), parts))
    return found


@pytest.mark.parametrize(("convention", "tag", "labels"), _examples())
def test_convention(tagger: Tagger, convention: str, tag: str, labels: list[list[str]]) -> None:
    found = tagger.tag(tag)
    assert [sorted(found.sounds), sorted(found.sources), sorted(found.qualities)] == [
        sorted(part) for part in labels
    ], f"{convention} ({found.rule})"


@pytest.mark.parametrize(
    ("tag", "aspect"),
    [
        ("dog barking", "sustained"),
        ("dog barks", "abrupt"),
        ("hisses", "abrupt"),
        ("hissing", "sustained"),
        ("gunfire", "unknown"),
        ("loud barks", "unknown"),  # a plural noun
        ("barks and whimpering", "unknown"),
    ],
)
def test_the_verb_form_says_whether_the_sound_lasts(tagger: Tagger, tag: str, aspect: str) -> None:
    assert tagger.tag(tag).aspect == aspect


@pytest.mark.parametrize(
    ("tag", "rule"),
    [
        ("dog barks", "source+sound"),
        ("barking", "sound"),
        ("loom shuttling", "unknown-verb"),
        ("waltz playing", "music"),
        ("on radio", "medium"),
        ("car approaching", "state"),
        ("in deep voice", "voice"),
        ("speaking", "sound"),
        ("in german", "language"),
        ("esmeralda", "speaker"),
        ("softly", "quality"),
        ("siren", "source"),
        ("both", "nothing"),
        ("", "empty"),
    ],
)
def test_the_deciding_rule_is_told(tagger: Tagger, tag: str, rule: str) -> None:
    assert tagger.tag(tag).rule == rule


def test_a_guess_is_less_sure_than_a_word_of_the_lexicon(tagger: Tagger) -> None:
    assert tagger.tag("contraption floofing").confidence < tagger.tag("machine whirring").confidence


def test_men_are_kept_or_folded() -> None:
    assert Tagger().tag("men yelling").sources == ("men",)
    assert Tagger(fold_men=True).tag("men yelling").sources == ("man",)
    assert Tagger().tag("women yelling").sources == ("woman",)
