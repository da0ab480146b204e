"""Tuned prompts on other images and other classes: base-to-new, cross-dataset and domain protocols."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.image import ImageInput
from avtool.tasks.clip_prompts.images import FewShotImages, fill, find_images
from avtool.tasks.clip_prompts.recipe import ImagesRecipe

if TYPE_CHECKING:
    from avtool.models.clip.hub import HostFolder
    from avtool.models.clip.prompted_clip import PromptedClip
    from avtool.models.load import LoadedModel
    from avtool.tasks.clip_prompts.samples import ImageScores

_SHOWN = 3


class ScoreRecipe(Recipe):
    """`avtool prompt-tune eval`."""

    transfer: bool = option(False, "Score classes that the prompts were not tuned for.", flag="--transfer")
    template: str = option(
        "", "Hand-written class text of other classes.  [default: the dataset's]", flag="--template"
    )
    batch_size: int = option(32, "Images at a time.", flag="--batch-size", ge=1)
    data: ImagesRecipe = Field(default_factory=lambda: ImagesRecipe(shots=0))
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)


def score_images(
    path: Path, source: Path, recipe: ScoreRecipe, reporter: Reporter
) -> "tuple[ImageScores, FewShotImages]":
    """Scores a model on the test split of a dataset.

    Args:
        path: a model of `prompt-tune clip`, or its run.
        source: of the images, as a training takes them.
        recipe: which images and classes.
        reporter: warned of classes that the prompts were not tuned for.

    Raises:
        BadInputError: the model is another one, there is nothing to score, or its classes are others and
            `transfer` is off.
    """
    import torch

    from avtool.models.runtime import choose_device
    from avtool.tasks.clip_prompts.samples import ImageSamples, ImageScoring, plain_features

    loaded, model = load_prompted(path)
    images = find_images(source, recipe.data.model_copy(update={"shots": 0}), 0, reporter)
    if images.test is None:
        raise BadInputError(f"`{source}` has no test split", "give one with images to score")
    known = tuple(str(name) for name in loaded.preprocess["labels"])
    if images.classes != known:
        template = recipe.template or images.template
        model = _for_classes(loaded, images, template, known, recipe.transfer, reporter)
    device = torch.device(choose_device(recipe.runtime.device).value)
    model.to(device).eval()
    read = ImageInput.from_json("image", loaded.preprocess["inputs"]["image"], path)
    plain = not model.method.visual or model.method.class_aware
    host = loaded.description.frozen[0].sha256 if loaded.description.frozen else ""
    features = plain_features(model, images.test, read, host, device) if plain and host else None
    samples = ImageSamples(
        images.test,
        images.labels(images.test),
        read if model.method.visual or features is None else None,
        features,
        None,
    )
    return ImageScoring(samples, recipe.batch_size).scores(model, device), images


def _for_classes(
    loaded: "LoadedModel",
    images: FewShotImages,
    template: str,
    known: Sequence[str],
    allowed: bool,
    reporter: Reporter,
) -> "PromptedClip":
    model: Any = loaded.model
    foreign = [name for name in images.classes if name not in known]
    shown = ", ".join(f"`{name}`" for name in foreign[:_SHOWN]) + (", …" if len(foreign) > _SHOWN else "")
    difference = f"others among them: {shown}" if foreign else "fewer, or in another order"
    counts = f"the images have {len(images.classes)} classes and the prompts were tuned for {len(known)}"
    message = f"{counts}, {difference}"
    if model.settings.class_specific:
        raise BadInputError(message, "class-specific prompts fit no other classes: tune shared ones")
    if not allowed:
        raise BadInputError(message, "add --transfer to score them all the same")
    if model.method.class_aware:
        reporter.warn("DPT loses 40 to 60 points on classes that it was not tuned for: compare with zeroshot")
    host = host_of(loaded)
    position = loaded.preprocess["prompt"]["position"]
    return with_classes(model, host, images.texts, template, position)


def load_prompted(path: Path) -> "tuple[LoadedModel, PromptedClip]":
    """A model of `prompt-tune clip`, with its description and as what it is.

    Raises:
        BadInputError: it is another model, or none.
        CorruptArtifactError: it is damaged, or its host is not where it was.
    """
    from avtool.models.clip.prompted_clip import PromptedClip
    from avtool.models.load import load_model

    loaded = load_model(path)
    if not isinstance(loaded.model, PromptedClip):
        message = f"`{path}` is a `{loaded.description.builder}`"
        raise BadInputError(message, "give a model that `avtool prompt-tune clip` trained")
    return loaded, loaded.model


def host_of(loaded: "LoadedModel") -> "HostFolder":
    """The host's folder, for its tokenizer."""
    from avtool.models.clip.hub import open_host

    path = Path(loaded.description.frozen[0].path)
    return open_host(str(path if path.is_dir() else path.parent))


def with_classes(
    model: "PromptedClip", host: "HostFolder", names: Sequence[str], template: str, position: Any = "end"
) -> "PromptedClip":
    """The same prompts for other classes; the auxiliary classifiers, of training alone, are new.

    Args:
        model: with prompts that all classes share.
        host: its host, for the tokenizer.
        names: of the classes, as class texts have them.
        template: of the hand-written texts.
        position: of the class name in its text.
    """
    from avtool.models.clip.prompted_clip import PromptedClip

    settings = model.settings
    plain = host.encode([fill(template, name) for name in names])
    texts = host.encode_prompts(names, settings.context, position) if model.method.text else plain
    other = PromptedClip(
        replace(
            settings,
            tokens=texts.tokens,
            lengths=texts.lengths,
            places=texts.places,
            zero_shot_tokens=plain.tokens,
            zero_shot_lengths=plain.lengths,
        )
    )
    kept = {
        name: value for name, value in model.state_dict().items() if not name.endswith("classifier.weight")
    }
    own = {name: value for name, value in other.state_dict().items() if name not in kept}
    other.load_state_dict({**own, **kept})
    return other.eval()
