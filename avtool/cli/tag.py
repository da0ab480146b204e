"""`avtool tag`: one caption tag, or a list of them, labelled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import BadInputError
from avtool.mining.cue_class import CueClass

app = verb_app(
    "tag",
    "avtool tag 'door slams' '[dog barking in distance]'",
    "avtool tag --json - < tags.txt",
    "avtool tag --cues cues.csv --with runs/cue-kind --out labelled",
)


@command(app)
def tag(
    session: Session,
    tags: Annotated[
        list[str] | None, typer.Argument(help="Tags such as 'door slams', or - for one a line on stdin.")
    ] = None,
    lexicon: Annotated[Path | None, typer.Option(help="A TOML file with your own words.")] = None,
    language: Annotated[
        str, typer.Option("--lang", "--language", help="Language of the tags: en, de, es or fr.")
    ] = "en",
    cues: Annotated[
        Path | None, typer.Option(help="A table of tags: text, and cue_id where it has ids.")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="A run of prompt-tune lm-bff: NAME=RUN, by default kind=RUN. Repeatable."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Least probability of the model's guess.  [default: the run's]"),
    ] = None,
    out: Annotated[Path | None, output("Write labelled.csv and review.csv there.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Label caption tags by sound, source and quality."""
    from avtool.jobs.cue_classes import label_cues
    from avtool.jobs.cue_tables import Cue, named_models, read_cues, write_labels

    found = [Cue(str(number), text) for number, text in enumerate(expand_lists(tags or ()), 1)]
    found += read_cues(cues) if cues else []
    if not found:
        raise BadInputError("no tags given", "give some: avtool tag 'door slams', or --cues cues.csv")
    models = named_models(with_ or ())
    labels = label_cues(
        found, models, session.reporter, min_confidence=min_confidence, lexicon=lexicon, language=language
    )
    if out:
        write_labels(out, labels, models, overwrite=overwrite, command=session.command_line)
    names = [name for name, _ in models]
    rows = [
        [
            one.cue.text,
            *map("; ".join, (one.tag.sounds, one.tag.sources, one.tag.qualities)),
            one.tag.aspect,
            one.tag.confidence,
            one.tag.rule,
            *(part for name in names for part in (one.classes[name].label, one.classes[name].probability)),
        ]
        for one in labels
    ]
    columns = ["tag", "sound", "source", "quality", "aspect", "confidence", "rule"]
    session.table([*columns, *(part for name in names for part in (name, f"p {name}"))], rows)
    session.emit(
        {"tags": [{"tag": one.cue.text, **_fields(one.tag), **_classes(one.classes)} for one in labels]}
    )


def _classes(classes: Mapping[str, CueClass]) -> dict[str, object]:
    return {"classes": {name: _fields(found) for name, found in classes.items()}} if classes else {}


def _fields(label: object) -> dict[str, object]:
    from dataclasses import asdict, is_dataclass

    assert is_dataclass(label)
    assert not isinstance(label, type)
    return asdict(label)
