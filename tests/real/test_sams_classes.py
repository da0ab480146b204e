"""Mined data sets can be scored by the classes of SAM-S: the tagger's lemmas are their names."""

import csv

from avtool.mining.tagger import Tagger, load_lexicon

# "scraping" is read as `scrape`, and what plays is music.
OTHERWISE = {"scrap", "play"}


def test_the_tagger_gives_the_class_names_of_sams(test_data):
    with (test_data / "sams" / "movie_sounds.csv").open(newline="") as stream:
        names = [row["label"] for row in csv.DictReader(stream)]
    tagger = Tagger(load_lexicon(None))
    missed = {
        name
        for name in names
        if not any(name in tagger.tag(text).sounds for text in (name, f"{name}s", f"{name.rstrip('e')}ing"))
    }
    assert len(names) == 245
    assert missed == OTHERWISE
    assert not missed & set(names[:120])
