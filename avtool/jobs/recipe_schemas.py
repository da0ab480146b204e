"""Which recipe model belongs to which subcommand, imported on use."""

import importlib
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, read_recipe_file, validate
from avtool.core.registry import nearest_hint

SCHEMAS = {
    "demo": "avtool.jobs.demo.recipe:DemoRecipe",
    "embed": "avtool.inference.embed_recipe:EmbedRecipe",
    "fetch": "avtool.media.fetch.recipe:FetchRecipe",
    "finetune": "avtool.tasks.classification.recipe:FinetuneRecipe",
    "mine-subtitles": "avtool.mining.recipe:MineRecipe",
    "predict": "avtool.inference.predict_recipe:PredictRecipe",
    "pretrain audio-mae": "avtool.tasks.masked.recipe:AudioMaeRecipe",
    "pretrain avt": "avtool.tasks.temporal.recipe:AvtRecipe",
    "pretrain image-mae": "avtool.tasks.masked.recipe:ImageMaeRecipe",
    "pretrain mavil": "avtool.tasks.masked.recipe:MavilRecipe",
    "pretrain video-mae": "avtool.tasks.masked.recipe:VideoMaeRecipe",
    "prepare": "avtool.data.prepare.recipe:PrepareRecipe",
    "reconstruct": "avtool.jobs.reconstruct_recipe:ReconstructRecipe",
    "shards": "avtool.data.shards.recipe:ShardRecipe",
    "stats": "avtool.data.statistics:StatsRecipe",
    "sync": "avtool.mining.recipe:SyncCaptionsRecipe",
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
