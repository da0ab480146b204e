"""Which recipe model belongs to which subcommand, imported on use."""

import importlib
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, read_recipe_file, validate
from avtool.core.registry import nearest_hint

SCHEMAS = {
    "demo": "avtool.jobs.demoing.recipe:DemoRecipe",
    "embed": "avtool.jobs.embedding.recipe:EmbedRecipe",
    "fetch": "avtool.jobs.fetching.recipe:FetchRecipe",
    "finetune": "avtool.jobs.finetuning.recipe:FinetuneRecipe",
    "mine-subtitles": "avtool.mining.recipe:MineRecipe",
    "predict": "avtool.jobs.predicting.recipe:PredictRecipe",
    "pretrain audio-mae": "avtool.jobs.pretraining.recipe:AudioMaeRecipe",
    "pretrain avt": "avtool.jobs.pretraining.recipe:AvtRecipe",
    "pretrain image-mae": "avtool.jobs.pretraining.recipe:ImageMaeRecipe",
    "pretrain mavil": "avtool.jobs.pretraining.recipe:MavilRecipe",
    "pretrain video-mae": "avtool.jobs.pretraining.recipe:VideoMaeRecipe",
    "prepare": "avtool.jobs.preparing.recipe:PrepareRecipe",
    "reconstruct": "avtool.jobs.reconstruct_recipe:ReconstructRecipe",
    "shards": "avtool.data.shards.settings:ShardSettings",
    "stats": "avtool.jobs.stats_recipe:StatsRecipe",
    "sync": "avtool.jobs.sync_recipe:SyncCaptionsRecipe",
}


def schema_of(command: str) -> type[Recipe]:
    """The recipe model of a subcommand.

    Raises:
        BadInputError: no subcommand of this name takes a recipe.
    """
    if command not in SCHEMAS:
        hint = nearest_hint(command, list(SCHEMAS), "avtool recipes list")
        raise BadInputError(f"no command with a recipe is called `{command}`", hint)
    module, _, name = SCHEMAS[command].partition(":")
    schema: type[Recipe] = getattr(importlib.import_module(module), name)
    return schema


def check_recipe(path: Path) -> tuple[str, Recipe]:
    """Reads a recipe file in full: its command and its resolved settings.

    Raises:
        BadInputError: it names no command, or a value is wrong.
    """
    values = read_recipe_file(path)
    command = values.pop("command", None)
    if not isinstance(command, str):
        raise BadInputError(
            f"recipe `{path}` names no command", 'add a line such as command = "mine-subtitles"'
        )
    return command, validate(schema_of(command), values, origin=f"recipe `{path}`")
