"""The three optimisers of a prompt tuning: of text prompts, of visual prompts, of the generators."""

from avtool.models.clip.prompted_clip import PromptedClip
from avtool.tasks.clip_prompts.recipe import ClipPromptRecipe
from avtool.training.optimizers import NamedOptimizer
from avtool.training.parameter_groups import ParameterGroup
from avtool.training.recipe import GroupRecipe


def optimizers(model: PromptedClip, recipe: ClipPromptRecipe) -> list[NamedOptimizer]:
    """Those beside the main one, which has the text prompts: of visual prompts, and of the generators."""
    found = []
    if model.visual is not None:
        found.append(NamedOptimizer("visual", [model.visual], recipe.visual))
    if len(model.aware):
        found.append(NamedOptimizer("generator", [model.aware], recipe.generator))
    return found


def parameter_groups(model: PromptedClip, recipe: ClipPromptRecipe) -> list[ParameterGroup]:
    """A group each, with weight decay of all its parameters, as plain SGD has it."""
    parts = {
        "text_prompts": (model.text, recipe.optimizer),
        "visual_prompts": (model.visual, recipe.visual.optimizer),
        "class_aware_prompts": (model.aware if len(model.aware) else None, recipe.generator.optimizer),
    }
    return [
        ParameterGroup(name, [part], GroupRecipe(weight_decay=optimizer.weight_decay))
        for name, (part, optimizer) in parts.items()
        if part is not None
    ]
