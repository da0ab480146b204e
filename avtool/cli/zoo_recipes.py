"""The recipe of `zoo train`, registered apart: `zoo list` is quick because it loads no task."""

from avtool.cli.command import SCHEMAS
from avtool.jobs.zoo.train_recipe import ZooTrainRecipe

SCHEMAS.add("zoo train", ZooTrainRecipe)
