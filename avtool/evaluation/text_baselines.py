"""Baselines of text tasks: the majority, and TF-IDF of characters and words with logistic regression."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
_WORD = r"(?u)\b\w+\b"
MAJORITY, TF_IDF = "majority", "TF-IDF + logistic regression"


def majority(train: Sequence[int], num_classes: int, count: int) -> Scores:
    """(count, classes): the most frequent class of the training examples, the first of equals."""
    scores = np.zeros((count, num_classes))
    scores[:, np.bincount(train, minlength=num_classes).argmax()] = 1
    return scores


def tf_idf(
    texts: Sequence[str], train: Sequence[int], tested: Sequence[str], num_classes: int, seed: int = 0
) -> Scores:
    """(len(tested), classes) log probabilities, by TF-IDF of words, pairs of words, and 2 to 5 characters.

    Args:
        texts: of the training examples.
        train: their classes.
        tested: texts to score.
        num_classes: of the task.
        seed: of the solver.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    chosen = LogisticRegression(C=10.0, max_iter=2000, random_state=seed)
    found = np.full((len(tested), num_classes), -1e3)
    found[:, train[0]] = 0.0  # the one class that there may be
    if len(set(train)) > 1:
        model = make_pipeline(_features(), chosen).fit(list(texts), list(train))
        found[:, model.classes_] = np.log(np.maximum(model.predict_proba(list(tested)), 1e-12))
    return found


def tf_idf_values(texts: Sequence[str], train: Sequence[float], tested: Sequence[str]) -> Scores:
    """(len(tested),) values of a regression by ridge regression on the same features."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(_features(), Ridge(alpha=1.0)).fit(list(texts), list(train))
    values: Scores = model.predict(list(tested))
    return values


def _features() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
