"""Prompt tuning of CLIP as a task: host, prompts, few-shot images, scoring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import sha256_of
from avtool.core.learned_clips import Use
from avtool.data.clip_filter import Skipped
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import ImageSettings
from avtool.data.inputs.spec import InputSpec
from avtool.inference.outputs import OutputSpec
from avtool.models.clip.methods import METHODS
from avtool.tasks.clip_prompts.images import FewShotImages, fill, find_images
from avtool.tasks.clip_prompts.recipe import ClipPromptRecipe
from avtool.training.report import Section, as_trained, load_trained
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.data.manifest import Manifest
    from avtool.models.clip.hub import HostFolder
    from avtool.models.clip.prompted_clip import PromptedClip
    from avtool.models.model_folder import ModelDescription
    from avtool.tasks.clip_prompts.samples import ImageSamples

BUILDER = "clip_prompts"
HOST = "host"


@register
@dataclass(frozen=True)
class ClipPromptTask(Task[ClipPromptRecipe]):
    """Prompts of a frozen CLIP, learned from a few images of each class."""

    name = "clip"
    verb = "prompt-tune"
    summary = (
        "Tune prompts of a frozen CLIP on a few labelled images: CoOp, CoCoOp, VPT, VLP, DPT, zero-shot."
    )
    takes = "The images: a split file (JSON), a table, a folder of a folder a class, or a prepared dataset."
    recipe_type = ClipPromptRecipe

    @property
    def run_name(self) -> str:
        """Method and shots."""
        return f"{self.verb}-{self.recipe.prompt.method}-{self.recipe.data.shots}shots"

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The dataset, the drawn images, and the host's weights."""
        found = self.images
        host = self.host
        return [
            Input(str(self.source), "dataset", found.content),
            Input(str(host.weights), "weights", self._host_content),
        ]

    @cached_property
    def images(self) -> FewShotImages:
        """What is learned from and scored."""
        return find_images(self.source, self.recipe.data, self.recipe.seed, self.reporter)

    @cached_property
    def host(self) -> "HostFolder":
        """The host's folder.

        Raises:
            BadInputError: none is given, or it is none.
        """
        from avtool.models.clip.hub import open_host

        if not self.recipe.prompt.backbone:
            message = "no --backbone given, the CLIP whose prompts are tuned"
            raise BadInputError(message, "give a folder, or a name on the hub: openai/clip-vit-base-patch16")
        return open_host(self.recipe.prompt.backbone)

    @property
    def validates(self) -> bool:
        """Whether there are images to score."""
        return self.images.test is not None

    @property
    def validated_on(self) -> str:
        """The test split, unless prompts are selected on the validation images."""
        return "scored images" if self.recipe.data.score == "test" else "validation"

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Images that could not be used."""
        return self.images.skipped

    @property
    def learned_from(self) -> "Sequence[tuple[Manifest, Use]]":
        """The drawn images, where prompts are learned, and scored ones where they decide anything."""
        images, learns = self.images, METHODS[self.recipe.prompt.method].learns
        found: list[tuple[Manifest, Use]] = [(images.train if learns else images.train.take([]), "labels")]
        if images.test is not None and learns and self.recipe.selects:
            found.append((images.test, "selection"))
        return found

    @property
    def starts(self) -> Sequence[Path]:
        """The host."""
        return [self._weights_path]

    def describe(self) -> Mapping[str, int | str]:
        """Method, host, classes and images."""
        images = self.images
        return {
            "model": BUILDER,
            "method": self.recipe.prompt.method,
            "backbone": self.recipe.prompt.backbone,
            "classes": len(images.classes),
            "train_images": len(images.train),
            "scored_images": len(images.test or ()),
            "skipped_images": len(images.skipped),
        }

    def num_samples(self) -> int:
        """Drawn images: each is a sample."""
        return len(self.images.train)

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The host, frozen, with new prompts; and the arguments that build it again."""
        from avtool.models.build import build_seeded

        arguments = self._arguments()
        model = build_seeded(BUILDER, arguments, self.recipe.seed)
        model.get_submodule(HOST).requires_grad_(False)
        return model, arguments

    def prepare(self) -> Training:
        """The prompts, their loss and the images.

        Raises:
            BadInputError: data, host and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate
        from avtool.models.clip.prompted_clip import PromptedClip
        from avtool.objectives.prompt_tuning import PromptTuning
        from avtool.tasks.clip_prompts.optimizers import optimizers, parameter_groups
        from avtool.tasks.clip_prompts.samples import ImageScoring

        model, arguments = self.build()
        assert isinstance(model, PromptedClip), "the builder makes one"
        self._load_host(model)
        self._start_from_words(model)
        prompt, images = self.recipe.prompt, self.images
        self.reporter.info(images.protocol)
        if model.method.class_aware and prompt.top_k > len(images.classes):
            self.reporter.info(f"prompt.top_k is {len(images.classes)}: there are no more classes")
        samples = self._samples(model, images.train, train=self.recipe.data.augment == "crop-flip")
        scoring = None
        if images.test is not None:
            scored = self._samples(model, images.test, train=False)
            scoring = ImageScoring(scored, self.recipe.loop.batch_size if model.method.visual else 256)
        return Training(
            model=model,
            objective=PromptTuning(prompt.alpha, prompt.guide_epochs),
            samples=samples,
            collate=collate,
            description=self._description(model, arguments),
            validate=scoring,
            metric="accuracy" if scoring else "loss",
            maximise=scoring is not None,
            labels=images.train.column("labels"),
            sample_ids=images.train.column("clip_id"),
            parameter_groups=parameter_groups(model, self.recipe),
            optimizers=optimizers(model, self.recipe),
            untrained=not model.method.learns,
            shared_graph=model.shared_texts,
        )

    def report(self, run: Path, training: Training) -> Sequence[Section]:
        """The drawn files, the scores, and each class's share of them."""
        from avtool.tasks.clip_prompts.report import write_scores
        from avtool.tasks.clip_prompts.samples import ImageScoring

        scores = None
        if isinstance(training.validate, ImageScoring):
            model, device = load_trained(run, self.recipe.runtime.device)
            with as_trained(model, self.recipe.runtime.precision, device):
                scores = training.validate.scores(model, device)
        return write_scores(run, self.images, scores, self.recipe.prompt.method)

    @cached_property
    def _host_content(self) -> str:
        return sha256_of(self.host.weights)

    @cached_property
    def _input(self) -> ImageInput:
        host, data = self.host, self.recipe.data
        settings = ImageSettings(
            size=host.size, short_side=host.size, flip=data.flip, mean=host.mean, std=host.std
        )
        return ImageInput(settings, area=data.area)

    @property
    def template(self) -> str:
        """The hand-written class text."""
        return self.recipe.prompt.template or self.images.template

    def _arguments(self) -> dict[str, Any]:
        prompt, host, names = self.recipe.prompt, self.host, self.images.texts
        plain = host.encode([fill(self.template, name) for name in names])
        learned = METHODS[prompt.method].text
        texts = host.encode_prompts(names, self._context, prompt.position) if learned else plain
        vision = host.config.get("vision_config", {})
        return {
            "host": dict(host.config),
            "method": prompt.method,
            "tokens": texts.tokens,
            "lengths": texts.lengths,
            "places": texts.places,
            "zero_shot_tokens": plain.tokens,
            "zero_shot_lengths": plain.lengths,
            "class_specific": prompt.class_specific,
            "visual": prompt.visual,
            "aware_from": prompt.aware_from or vision.get("num_hidden_layers", 1),
            "top_k": prompt.top_k,
            "beside": prompt.beside,
        }

    @cached_property
    def _context(self) -> int:
        """Text prompts: as many as there are initial words, where there are some."""
        prompt = self.recipe.prompt
        count = len(self.host.embedded_words(prompt.init)) if prompt.init else prompt.context
        if count != prompt.context:
            self.reporter.info(f"prompt.context is {count}: `{prompt.init}` has as many tokens")
        return count

    def _load_host(self, model: "PromptedClip") -> None:
        from avtool.models.load import load_checkpoint

        missing = load_checkpoint(model.host, BUILDER, self._weights_path).missing
        if missing:
            message = (
                f"`{self.host.weights}` lacks {len(missing)} weights of the host, `{missing[0]}` among them"
            )
            raise CorruptArtifactError(message, "get another copy of the backbone")

    @property
    def _weights_path(self) -> Path:
        """What names the weights: the folder, or a file beside it in another format."""
        from avtool.models.model_files import WEIGHTS

        return self.host.folder if self.host.weights.name == WEIGHTS else self.host.weights

    def _start_from_words(self, model: "PromptedClip") -> None:
        import torch

        if model.text is not None and self.recipe.prompt.init:
            words = torch.tensor(self.host.embedded_words(self.recipe.prompt.init))
            model.text.start_from(model.host.embed_tokens(words))

    def _samples(self, model: "PromptedClip", images: "Manifest", *, train: bool) -> "ImageSamples":
        from avtool.tasks.clip_prompts.samples import ImageSamples

        method = model.method
        needed = not train and (not method.visual or method.class_aware or method.guided)
        features = self._features(model, images) if needed and len(images) else None
        read = self._input if method.visual or features is None else None
        labels = self.images.labels(images)
        return ImageSamples(images, labels, read, features, self.recipe.seed if train else None)

    def _features(self, model: "PromptedClip", images: "Manifest") -> "Tensor":
        import torch

        from avtool.models.runtime import choose_device
        from avtool.tasks.clip_prompts.samples import plain_features

        device = torch.device(choose_device(self.recipe.runtime.device).value)
        model.eval().to(device)
        return plain_features(model, images, self._input, self._host_content, device)

    def _description(self, model: "PromptedClip", arguments: dict[str, Any]) -> "ModelDescription":
        from avtool.models.frozen import FrozenWeights
        from avtool.models.model_folder import ModelDescription

        prompt, images = self.recipe.prompt, self.images
        outputs = OutputSpec("single-label", images.classes, (len(images.classes),))
        spec = InputSpec((self._input,))
        facts = {
            "method": prompt.method,
            "backbone": prompt.backbone,
            "template": self.template,
            "class_texts": list(images.texts),
            "position": prompt.position,
            "protocol": images.protocol,
        }
        return ModelDescription(
            BUILDER,
            arguments,
            {**outputs.to_json(), **spec.to_json(), "prompt": facts},
            f"Names images by prompts of {prompt.method}; {images.protocol}.",
            self.command,
            self.inputs,
            [FrozenWeights.of(model, BUILDER, self._weights_path, module=HOST)],
        )
