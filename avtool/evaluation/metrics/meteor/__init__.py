"""METEOR 1.5 for English (Denkowski and Lavie, WMT 2014), in Python and by the authors' Java program."""

from avtool.evaluation.metrics.meteor.backends import Backend, Meteor, open_meteor
from avtool.evaluation.metrics.meteor.scores import corpus_score, pair_scores

__all__ = ["Backend", "Meteor", "corpus_score", "open_meteor", "pair_scores"]
