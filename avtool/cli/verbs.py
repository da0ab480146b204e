"""The verbs of the command line, one row each; a verb's module is imported when the verb is used."""

import importlib
from typing import NamedTuple

import typer


class Verb(NamedTuple):
    """A row of `avtool --help`: the section that lists the verb, and its summary."""

    section: str
    summary: str


VERBS = {
    "demo": Verb("Start", "Make a film set, mine it, train on it, and write a report: the whole path."),
    "doctor": Verb("Start", "Check this machine: versions, device, folders, and what is missing."),
    "fetch": Verb("Data", "Download films and their captions into a folder, with a table of them."),
    "mine-subtitles": Verb("Data", "Mine films and SDH captions for a dataset of labelled sound events."),
    "sync": Verb("Data", "Synchronise a caption file with the speech of its film."),
    "tag": Verb("Data", "Label caption tags by sound, source and quality."),
    "review": Verb("Data", "Check and correct events or captions on a local page, with sound and frames."),
    "prepare": Verb("Data", "Make a dataset of a media folder, a table, or a published list of clips."),
    "stats": Verb(
        "Data", "Show dataset statistics: clips, durations, labels, image sizes, spectrogram mean and std."
    ),
    "shots": Verb("Data", "Find the shots of films, and write their times as a table."),
    "shards": Verb("Data", "Write the clips of a dataset into WebDataset shards."),
    "moving-sources": Verb("Data", "Make labelled clips of sources that move as their recordings sound."),
    "queried-films": Verb("Data", "Make films of objects and recordings, with queries and ground truth."),
    "pretrain": Verb("Train", "Pretrain an encoder on unlabelled images, audio or video."),
    "finetune": Verb("Train", "Train a classifier of audio, video or both on a labelled dataset."),
    "prompt-tune": Verb("Train", "Adapt a frozen model to a few labelled examples by prompts."),
    "train": Verb("Train", "Train a detector, a segmenter, or a task that an installed package adds."),
    "caption": Verb("Use", "Write SDH captions of the sounds in films: footsteps, doors, animals, music."),
    "localize": Verb("Use", "Find where films match an image, a sentence, a label or a sound."),
    "generate": Verb("Use", "Train a generator of videos; draw clips, or continue a given one."),
    "predict": Verb("Use", "Predict the classes of files, or a timeline of events."),
    "embed": Verb("Use", "Write an encoder's features of files as Parquet, a row a window."),
    "export": Verb("Use", "Write a model, or a dataset without its media, for other programs."),
    "rebuild": Verb("Use", "Make the clips of a shared dataset again from one's own films."),
    "merge": Verb("Use", "Join the shards of a batch: datasets, features, predictions or captions."),
    "reconstruct": Verb(
        "Use", "Draw files, their masked patches, and a masked autoencoder's reconstruction."
    ),
    "eval": Verb("Evaluate", "Run a benchmark; print published numbers, peers and baselines beside ours."),
    "models": Verb("Look up", "List and show the registered architectures."),
    "zoo": Verb("Look up", "List, build, count, time, train and run the visual Transformers of a survey."),
    "recipes": Verb("Look up", "List, show, copy and check the recipes that ship with avtool."),
    "show": Verb("Look up", "Show the contents of an artifact, a film or a caption file."),
    "cache": Verb("Look up", "List or prune the files that avtool caches between runs."),
}


def load_verb(name: str) -> typer.Typer:
    """Imports the module of a verb and returns its application."""
    app: typer.Typer = importlib.import_module(f"avtool.cli.{name.replace('-', '_')}").app
    return app
