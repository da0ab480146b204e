"""`avtool tag`: one caption tag, or a list of them, labelled."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.session import Session

app = verb_app("tag", "avtool tag 'door slams' '[dog barking in distance]'", "avtool tag --json - < tags.txt")


@command(app)
def tag(
    session: Session,
    tags: Annotated[
        list[str], typer.Argument(help="Tags such as 'door slams', or - for one a line on stdin.")
    ],
    lexicon: Annotated[Path | None, typer.Option(help="A TOML file with your own words.")] = None,
) -> None:
    """Label caption tags by sound, source and quality."""
    from avtool.mining.tagger import tag_texts

    results = tag_texts(expand_lists(tags), lexicon)
    rows = [
        [
            text,
            "; ".join(r.sounds),
            "; ".join(r.sources),
            "; ".join(r.qualities),
            r.aspect,
            r.confidence,
            r.rule,
        ]
        for text, r in results
    ]
    session.table(["tag", "sound", "source", "quality", "aspect", "confidence", "rule"], rows)
    session.emit({"tags": [{"tag": text, **_fields(label)} for text, label in results]})


def _fields(label: object) -> dict[str, object]:
    from dataclasses import asdict, is_dataclass

    assert is_dataclass(label)
    assert not isinstance(label, type)
    return asdict(label)
