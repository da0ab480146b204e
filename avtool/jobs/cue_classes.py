"""Cues classified in one or several taxonomies: the lexicon first, then models of `prompt-tune lm-bff`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.jobs.cue_tables import Cue, CueLabels
from avtool.mining.cue_class import KINDS, CueClass, CueClassifier
from avtool.mining.recipe import MineRecipe
from avtool.mining.tagger import LANGUAGES, Tagger, load_lexicon


def load_cue_classifier(
    model: Path | None,
    reporter: Reporter,
    *,
    min_confidence: float | None = None,
    lexicon: Path | None = None,
) -> CueClassifier:
    """The lexicon with a language model behind it.

    Args:
        model: a run or a model of `prompt-tune lm-bff`; None takes the lexicon alone, for kinds.
        reporter: receives the threshold and where it comes from.
        min_confidence: least probability of a guess that is kept; None takes that of the run's validation.
        lexicon: a TOML file with more words.

    Raises:
        AvtoolError: the model cannot be used, or has no threshold.
    """
    tagger = Tagger(load_lexicon(lexicon))
    if model is None:
        return CueClassifier(KINDS, None, 0.0, tagger)
    from avtool.inference.text_classifier import TextClassifier, validated_threshold

    classifier = TextClassifier(model)
    threshold = validated_threshold(model) if min_confidence is None else min_confidence
    if threshold is None:
        message = f"`{model}` is a model without its run, whose validation chose a threshold"
        raise BadInputError(message, "give the run, or a threshold: --min-confidence 0.8")
    below = f"guesses below {threshold:.3f}" if threshold <= 1 else "none was sure in validation: all guesses"
    reporter.info(f"{model}: {len(classifier.labels)} classes, {below} are for review")
    return CueClassifier(classifier.labels, classifier.predict, threshold, tagger)


def kinds_of(recipe: MineRecipe, reporter: Reporter) -> CueClassifier | None:
    """What classifies the cues of mining by kind; None where the recipe names no model."""
    if recipe.kind is None:
        return None
    return load_cue_classifier(
        recipe.kind, reporter, min_confidence=recipe.min_confidence, lexicon=recipe.lexicon
    )


def label_cues(
    cues: Sequence[Cue],
    models: Sequence[tuple[str, Path]],
    reporter: Reporter,
    *,
    min_confidence: float | None = None,
    lexicon: Path | None = None,
    language: str = "en",
) -> list[CueLabels]:
    """Labels cues by the lexicon, and in each model's taxonomy.

    Args:
        cues: to label.
        models: the name of each taxonomy, and its model.
        reporter: receives thresholds and counts.
        min_confidence: least probability of a guess that is kept; None takes that of each run's validation.
        lexicon: a TOML file with more words.
        language: of the cues, one that the package has words of.

    Raises:
        AvtoolError: a model cannot be used, or there are no words of the language.
    """
    if language.partition("-")[0] not in LANGUAGES:
        hint = f"choose among {', '.join(LANGUAGES)}, or add words with --lexicon"
        raise BadInputError(f"there is no lexicon for `{language}`", hint)
    texts = [cue.text for cue in cues]
    tagger = Tagger(load_lexicon(lexicon, language))
    found: dict[str, list[CueClass]] = {}
    for name, model in models:
        classifier = load_cue_classifier(model, reporter, min_confidence=min_confidence, lexicon=lexicon)
        found[name] = classifier(texts)
        methods = Counter(one.method for one in found[name])
        review = sum(one.needs_review for one in found[name])
        reporter.info(
            f"{name}: {methods['lexicon']} by the lexicon, {methods['lm']} by the model, {methods['none']} "
            f"without a letter; {review} for review"
        )
    return [
        CueLabels(cue, tagger.tag(cue.text.strip().strip("[](){}")), {name: found[name][n] for name in found})
        for n, cue in enumerate(cues)
    ]
