"""The task of LM-BFF: a masked LM, a template, label words and a few examples to a classifier of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of, write_json
from avtool.data.few_shot.examples import Example
from avtool.data.few_shot.find_examples import Draw, FewShot, find_examples, split_files
from avtool.data.few_shot.label_words import label_word_ids
from avtool.data.few_shot.template import parse_template
from avtool.data.few_shot.text_task import TextTask, find_task
from avtool.data.few_shot.tokenizer import PromptTokenizer, keep_tokenizer
from avtool.data.inputs.prompt import PromptInput, PromptSettings
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.training.report import Section, load_trained
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.masked_lm.masked_lm import MaskedLM

BUILDER = "masked_lm"


@register
@dataclass(frozen=True)
class LmBffTask(Task[LmBffRecipe]):
    """Prompt-based fine-tuning of all weights of a masked LM.

    Attributes:
        given: examples that a caller has chosen; None finds those of `source`.
        scored: whether the run's page scores the test examples; a grid tests its choice alone.
        weights: of the masked LM, where a caller has read them already.
    """

    name = "lm-bff"
    verb = "prompt-tune"
    summary = (
        "Fine-tune a masked LM on a few examples of a text task, with a template and label words (LM-BFF)."
    )
    takes = "A table of labelled texts, or a folder with train, dev and test tables."
    recipe_type = LmBffRecipe

    given: FewShot | None = None
    scored: bool = True
    weights: "Mapping[str, Tensor] | None" = None

    @cached_property
    def text_task(self) -> TextTask:
        """Columns, classes, label words, template and metric.

        Raises:
            BadInputError: there is no such task, or the recipe's label words are of other classes.
        """
        task, words = find_task(self.recipe.data.task), self.recipe.data.words
        if words and words.keys() != task.words.keys():
            message = f"data.words are of {', '.join(words)}, and the classes are {', '.join(task.words)}"
            raise BadInputError(message, "give every class its label word")
        chosen = {label: words[label] for label in task.words} if words else task.words
        return task.model_copy(update={"words": chosen})

    @cached_property
    def host(self) -> Path:
        """The folder of the masked LM.

        Raises:
            BadInputError: none is given.
        """
        if self.recipe.model.path is None:
            raise BadInputError("no masked LM given", "give a folder of transformers: --model roberta-large")
        return self.recipe.model.path

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The masked LM, the examples, and the files that settle the task."""
        from avtool.models.masked_lm.hub_folder import CONFIG, read_config, weights_of

        read_config(self.host)
        recipe = self.recipe
        files = {weights_of(self.host): "weights", self.host / CONFIG: "configuration"}
        if self.given is None:
            found = split_files(self.source).values() if self.source.is_dir() else [self.source]
            files |= dict.fromkeys(found, "examples")
        if recipe.data.test is not None:
            files[recipe.data.test] = "examples"
        if recipe.data.task.endswith(".toml"):
            files[Path(recipe.data.task)] = "task"
        if recipe.demos.mode == "filtered" and recipe.demos.embedder is not None:
            files[weights_of(recipe.demos.embedder)] = "weights"
        for path, kind in files.items():
            if not path.is_file():
                raise BadInputError(f"`{path}` does not exist", f"give the {kind}")
        chosen = [Input(str(path), kind, sha256_of(path)) for path, kind in files.items()]
        return chosen if self.given is None else [*chosen, _examples_input(self.given)]

    @cached_property
    def examples(self) -> FewShot:
        """What is learned from, validated and tested on."""
        if self.given is not None:
            return self.given
        data = self.recipe.data
        draw = Draw(data.k, data.split_seed, data.grouped, data.duplicates, data.max_test)
        return find_examples(self.source, self.text_task, draw, self.reporter, data.test)

    @property
    def tested(self) -> Sequence[Example]:
        """The test examples; without any, those of validation."""
        return self.examples.test or self.examples.dev

    @property
    def validates(self) -> bool:
        """There always are validation examples."""
        return True

    def describe(self) -> Mapping[str, int | str]:
        """The task, the template and how many examples there are."""
        return {
            "model": str(self.host),
            "task": self.text_task.title,
            "template": self.settings.template,
            "classes": len(self.text_task.words),
            "train_examples": len(self.examples.train),
            "dev_examples": len(self.examples.dev),
            "test_examples": len(self.examples.test),
        }

    def num_samples(self) -> int:
        """Training examples."""
        return len(self.examples.train)

    @cached_property
    def settings(self) -> PromptSettings:
        """How texts become prompts.

        Raises:
            BadInputError: the template, or a label word, does not fit the task or the vocabulary.
        """
        from avtool.models.masked_lm.hub_folder import read_config

        task, recipe, words = self.text_task, self.recipe, self.recipe.model.head == "words"
        template = recipe.data.template or (task.template if words else task.classifier_template)
        parse_template(template, len(task.texts), len(task.words), mask=words)
        config, demos = read_config(self.host), recipe.demos
        whole = task.max_tokens if demos.mode == "none" else task.demo_max_tokens or task.max_tokens
        room = int(config.get("max_position_embeddings", whole + 2)) - 2
        pool = (
            ()
            if demos.mode == "none"
            else tuple((one.texts, task.class_of(one.target)) for one in self.examples.train)
        )
        return PromptSettings(
            title=task.title, texts=task.texts, label=task.label, words=task.words, template=template,
            mask=words, max_tokens=min(whole, room),
            first_limit=task.first_limit, other_limit=task.other_limit,
            segments=max(1, int(config.get("type_vocab_size") or 1)), bounds=task.bounds,
            demos=demos.mode, sets=1 if demos.mode == "none" else demos.sets or task.demo_sets,
            keep=demos.keep, pool=pool,
        )  # fmt: skip

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network with random weights, and the arguments that build it again."""
        from avtool.models.build import build_seeded
        from avtool.models.masked_lm.hub_folder import read_config
        from avtool.models.masked_lm.masked_lm import settings_for

        model = self.recipe.model
        tokenizer, words = PromptTokenizer(self.host), self.text_task.words
        if model.head == "words":
            ids = label_word_ids(tokenizer, words, mean=model.verbalizer == "mean")
        else:
            ids = tuple((tokenizer.cls_id,) for _ in words)
        arguments = settings_for(read_config(self.host), ids, model.head)
        return build_seeded(BUILDER, arguments, self.recipe.seed), arguments

    def prepare(self) -> Training:
        """The masked LM with its weights, its loss, and the examples.

        Raises:
            BadInputError: model, task and examples do not fit together.
        """
        import numpy as np
        import torch

        from avtool.objectives.label_words import LabelWordLoss, loss_of
        from avtool.tasks.lm_bff.samples import CollatePrompts, PromptSamples, PromptValidation

        recipe, task, examples = self.recipe, self.text_task, self.examples
        model, arguments = self._loaded()
        prompt = self.prompt_input(keep_tokenizer(self.host))
        samples = PromptSamples(examples.train, prompt, recipe.seed)
        dev = prompt.prompts([one.texts for one in examples.dev])
        if cut := sum(one.is_cut for prompts in dev for one in prompts):
            most = prompt.settings.max_tokens
            self.reporter.info(f"{cut} of {sum(map(len, dev))} validation prompts are cut to {most} tokens")
        targets = np.array([one.target for one in examples.dev])
        loss = loss_of(task.bounds)
        torch.manual_seed(recipe.seed)
        return Training(
            model=model,
            objective=LabelWordLoss(model.inputs, task.bounds),
            samples=samples,
            collate=CollatePrompts(prompt),
            description=self.description(arguments, prompt),
            validate=PromptValidation(prompt, dev, targets, loss),
            metric=self.metric_key,
            maximise=True,
            labels=[(one.label,) for one in examples.train],
            groups=[one.group for one in examples.train],
            sample_ids=[" / ".join(one.texts) for one in examples.train],
        )

    def prompt_input(self, tokenizer: Path) -> PromptInput:
        """The input that makes prompts of texts."""
        embedder = self.recipe.demos.embedder or self.host
        return PromptInput(self.settings, tokenizer, embedder if self.settings.demos == "filtered" else None)

    def description(self, arguments: dict[str, Any], prompt: PromptInput) -> Any:
        """How the model is built and fed."""
        from avtool.data.inputs.spec import InputSpec
        from avtool.models.model_folder import ModelDescription

        spec, task = InputSpec((prompt,)), self.text_task
        outputs = {"task": "single-label", "labels": list(task.labels), "sizes": [len(task.words)]}
        summary = (
            f"Classifies texts by {len(task.words)} classes of `{task.title}`; fine-tuned on "
            f"{len(self.examples.train)} examples from `{self.host}`."
        )
        preprocess = {**outputs, **spec.to_json()}
        return ModelDescription(
            BUILDER, arguments, preprocess, summary, self.command, self.inputs, (), spec.assets()
        )

    def report(self, run: Path, training: Training) -> Sequence[Section]:  # noqa: ARG002
        """The test examples, and the baselines beside them; `scores.json` has the numbers."""
        from avtool.tasks.lm_bff.scoring import baseline_metrics, score_examples
        from avtool.tasks.lm_bff.scoring import section_of as section

        if not self.scored:
            return ()
        model, device = load_trained(run, self.recipe.runtime.device)
        part, tested = "test" if self.examples.test else "dev", self.tested
        prompt = self.prompt_input(run / "model" / "tokenizer")
        ours = score_examples(model, prompt, tested, device)
        scores = {"ours": ours, **baseline_metrics(self.examples.train, tested, self.text_task)}
        key = self.metric_key
        values = ", ".join(f"{name} {100 * each[key]:.1f}" for name, each in scores.items())
        self.reporter.info(f"{key} in % on {len(tested)} {part} examples: {values}")
        write_json(run / "scores.json", {"part": part, "examples": len(tested), "scores": scores})
        return [section(part, self.metric_key, scores)]

    @property
    def metric_key(self) -> str:
        """The task's metric as validations name it."""
        return self.text_task.metric.replace("-", "_")

    def untrained(self) -> "tuple[MaskedLM, PromptInput]":
        """The masked LM with its own weights, and its input: for zero-shot predictions."""
        return self._loaded()[0], self.prompt_input(keep_tokenizer(self.host))

    def check(self) -> None:
        """Whether template and label words fit the vocabulary; `build` and `prepare` find it too, later.

        Raises:
            BadInputError: they do not.
        """
        prompt = self.prompt_input(self.host)
        if prompt.settings.mask:
            label_word_ids(
                prompt.tokenizer, self.text_task.words, mean=self.recipe.model.verbalizer == "mean"
            )
        _ = prompt.encoder

    def _loaded(self) -> "tuple[MaskedLM, dict[str, Any]]":
        from avtool.models.masked_lm.hub_folder import read_host
        from avtool.models.masked_lm.masked_lm import MaskedLM

        model, arguments = self.build()
        assert isinstance(model, MaskedLM), "the builder makes masked LMs"
        model.host.load_state_dict(self.weights or read_host(self.host))
        return model, arguments


def _examples_input(examples: FewShot) -> Input:
    from avtool.core.artifact import settings_hash

    parts = [
        [[one.texts, one.target] for one in part] for part in (examples.train, examples.dev, examples.test)
    ]
    return Input("examples", "examples", settings_hash(parts))
