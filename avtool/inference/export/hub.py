"""timm and transformers: the weights in the networks of these libraries, as a folder that they load."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.core.files import write_json
from avtool.core.requirements import quiet, require
from avtool.inference.export.format import Format, Runner
from avtool.inference.export.network import Batch, Exportable
from avtool.models.model_files import WEIGHTS
from avtool.models.model_folder import save_tensors
from avtool.models.published.hub_form import HubForm, Library
from avtool.models.published.transformers_names import to_transformers
from avtool.models.registry import MODELS

_PROBLEM = {"multi-label": "multi_label_classification", "single-label": "single_label_classification"}


def form_of(model: Exportable, library: Library) -> HubForm:
    """The network of a library that computes what the model computes.

    Raises:
        BadInputError: there is none.
    """
    return MODELS.find(model.builder).family.hub_form(model.network.model, library)


def _only_output(model: Exportable, library: Library) -> str:
    """The one output of the networks of these libraries.

    Raises:
        BadInputError: the model has several.
    """
    if len(model.network.outputs) > 1:
        message = f"{library} holds one output, and `{model.builder}` has {', '.join(model.network.outputs)}"
        raise BadInputError(message, "choose --format onnx or torch-export")
    return model.network.outputs[0]


def _runner(model: Exportable, form: HubForm, network: nn.Module, output: str) -> Runner:
    (name,) = model.network.names
    network.eval()

    def run(batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            found = network(**{form.argument: form.feed(batch[name])})
        return {output: found if isinstance(found, Tensor) else found.logits}

    return run


class Timm(Format):
    """A folder that `timm.create_model("local-dir:FOLDER", pretrained=True)` loads."""

    name: ClassVar[str] = "timm"
    requires: ClassVar[Mapping[str, str]] = {"timm": "hub"}

    def write(self, model: Exportable, folder: Path) -> None:
        _only_output(model, "timm")
        form = form_of(model, "timm")
        size = form.settings["img_size"]
        config: dict[str, Any] = {
            "architecture": form.architecture,
            "num_classes": len(model.labels),
            "global_pool": form.settings["global_pool"],
            "model_args": dict(form.settings),
            "pretrained_cfg": {
                "input_size": [form.settings["in_chans"], *size],
                "fixed_input_size": True,
                "first_conv": "patch_embed.proj",
                "classifier": "head",
                "num_classes": len(model.labels),
                "label_names": list(model.labels),
            },
        }
        write_json(folder / "config.json", config)
        save_tensors(folder / WEIGHTS, form.state)

    def load(self, model: Exportable, folder: Path) -> Runner:
        timm = require("timm", "hub")
        with quiet("timm"):
            network = timm.create_model(f"local-dir:{folder}", pretrained=True)
        return _runner(model, form_of(model, "timm"), network, _only_output(model, "timm"))

    def usage(self, model: Exportable) -> str:
        form, output = form_of(model, "timm"), _only_output(model, "timm")
        return (
            'import timm\n\nnetwork = timm.create_model("local-dir:FOLDER", pretrained=True).eval()\n'
            f"{output} = network({form.argument})  # {form.argument}: {form.axes}"
        )


class Transformers(Format):
    """A folder that `from_pretrained` of a class of transformers loads."""

    name: ClassVar[str] = "transformers"
    requires: ClassVar[Mapping[str, str]] = {"transformers": "hub"}

    def write(self, model: Exportable, folder: Path) -> None:
        _only_output(model, "transformers")
        form = form_of(model, "transformers")
        transformers = require("transformers", "hub")
        kind = getattr(transformers, form.architecture)
        labels = dict(enumerate(model.labels))
        config = kind.config_class(
            **form.settings,
            id2label=labels,
            label2id={label: number for number, label in labels.items()},
            problem_type=_PROBLEM.get(str(model.preprocess.get("task"))),
        )
        with quiet("transformers"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library's own internals
            network = kind(config)
            network.load_state_dict(to_transformers(network.state_dict().keys(), form.state))
            network.save_pretrained(folder)

    def load(self, model: Exportable, folder: Path) -> Runner:
        transformers, form = require("transformers", "hub"), form_of(model, "transformers")
        with quiet("transformers"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = getattr(transformers, form.architecture).from_pretrained(folder)
        return _runner(model, form, network, _only_output(model, "transformers"))

    def usage(self, model: Exportable) -> str:
        form = form_of(model, "transformers")
        return (
            f"from transformers import {form.architecture}\n\n"
            f'network = {form.architecture}.from_pretrained("FOLDER").eval()\n'
            f"logits = network({form.argument}={form.argument}).logits  # {form.argument}: {form.axes}"
        )
