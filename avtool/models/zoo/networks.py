"""Networks of the zoo's rows, with random weights: built by timm, torchvision, transformers, or avtool."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.registry import nearest_hint
from avtool.core.requirements import require
from avtool.models.zoo.row import TIMM, Row

IMAGENET = 1000
_EXTRA = "pip install -U 'avtool[hub]'"


def build(
    row: Row,
    *,
    num_classes: int | None = None,
    in_channels: int = 3,
    image_size: tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """The network that a row's builder names, as its library has it, with random weights.

    Under `torch.device("meta")` it takes neither memory nor time.

    Args:
        row: with a builder.
        num_classes: width of the last layer; None for what the row was published with, and 0 for none.
        in_channels: of the images; 1 for spectrograms.
        image_size: height and width; None for those of the row.
        options: keyword arguments of the library's builder, over those of the row.

    Raises:
        BadInputError: the row has no builder, or the builder does not take these settings.
        MissingError: the library is absent, or too old.
    """
    assert row.library is not None, "see need_builder"
    wanted = image_size if image_size != row.size else None
    try:
        network = _BUILDERS[row.library](row, num_classes, in_channels, wanted, dict(options or {}))
        _check_patches(network, image_size)
        return network
    except AvtoolError:
        raise
    except (RuntimeError, ValueError, TypeError, KeyError, AssertionError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        message = f"`{row.name}` cannot be built by {row.library} ({reason})"
        raise BadInputError(message, f"its builder is {row.builder}") from error


def _timm(
    row: Row, num_classes: int | None, in_channels: int, size: tuple[int, int] | None, options: dict[str, Any]
) -> nn.Module:
    """A network of timm; its default head is not always one of 1000 classes, so that is always given."""
    timm = _library("timm")
    if row.name.startswith(TIMM):
        check_timm(row.target)
    elif not timm.is_model(row.target):
        raise _absent(row, timm.__version__)
    given = {"num_classes": IMAGENET, **(row.argument or {}), "in_chans": in_channels}  # type: ignore[dict-item]
    if num_classes is not None:
        given["num_classes"] = num_classes
    if size is not None:
        given["img_size"] = size
    given |= options
    try:
        network: nn.Module = timm.create_model(row.target, **given)
    except TypeError:
        if "img_size" not in given:
            raise
        del given["img_size"]  # of an architecture that takes any size
        network = timm.create_model(row.target, **given)
    return network


def check_timm(name: str) -> None:
    """Refuses what is no network of timm.

    Raises:
        BadInputError: it is none; the message offers the nearest names.
        MissingError: timm is absent.
    """
    timm = _library("timm")
    if not timm.is_model(name):
        hint = nearest_hint(name, timm.list_models(), "timm.list_models()")
        raise BadInputError(f"timm {timm.__version__} has no `{name}`", hint)


def _torchvision(
    row: Row, num_classes: int | None, in_channels: int, size: tuple[int, int] | None, options: dict[str, Any]
) -> nn.Module:
    models = _library("torchvision").models
    if row.target not in models.list_models():
        raise _absent(row, _library("torchvision").__version__)
    if in_channels != 3:
        return _with_channels(_torchvision(row, num_classes, 3, size, options), in_channels)
    given: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    if size is not None and row.target.startswith("maxvit"):
        given["input_size"] = size
    elif size is not None and row.target.startswith("vit"):
        given["image_size"] = size[0]
    network: nn.Module = models.get_model(row.target, **{"weights": None, **given, **options})
    return network


def _transformers(
    row: Row, num_classes: int | None, in_channels: int, size: tuple[int, int] | None, options: dict[str, Any]
) -> nn.Module:
    from avtool.models.zoo.transformers_networks import build_class

    library = _library("transformers")
    if not hasattr(library, row.target):
        raise _absent(row, library.__version__)
    return build_class(row, num_classes, in_channels, size, options)


def _own(
    row: Row, num_classes: int | None, in_channels: int, size: tuple[int, int] | None, options: dict[str, Any]
) -> nn.Module:
    _library("timm")
    from avtool.models.zoo.members import MEMBERS

    if row.target not in MEMBERS:
        raise BadInputError(f"avtool has no network `{row.target}`", f"it has {', '.join(MEMBERS)}")
    given = dict(row.argument) if isinstance(row.argument, dict) else {}
    if num_classes is not None:
        given["num_classes"] = num_classes
    if size is not None or row.size is not None:
        given["image_size"] = size or row.size
    return MEMBERS[row.target](**given | {"in_channels": in_channels} | options)


def _check_patches(network: nn.Module, size: tuple[int, int] | None) -> None:
    """Refuses sizes whose last pixels a ViT's patches would skip.

    Raises:
        ValueError: a side is no multiple of a patch.
    """
    projection = getattr(getattr(network, "patch_embed", None), "proj", None)
    if size is None or not isinstance(projection, nn.Conv2d) or projection.kernel_size != projection.stride:
        return
    if any(side % step for side, step in zip(size, projection.stride, strict=True)):
        steps = "x".join(map(str, projection.stride))
        raise ValueError(f"no multiple of its patches of {steps}")


Builder = Callable[[Row, int | None, int, tuple[int, int] | None, dict[str, Any]], nn.Module]
_BUILDERS: Mapping[str, Builder] = {
    "timm": _timm, "torchvision": _torchvision, "transformers": _transformers, "avtool": _own
}  # fmt: skip


def _library(name: str) -> Any:
    with torch.device("cpu"):  # modules may make tensors on import
        return require(name, "hub")


def _absent(row: Row, version: str) -> MissingError:
    message = f"{row.library} {version} has no `{row.target}`, which builds `{row.name}`"
    return MissingError(message, _EXTRA)


def _with_channels(network: nn.Module, channels: int) -> nn.Module:
    """The network with a first convolution of so many channels, for libraries that fix them."""
    name, first = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    parent, _, leaf = name.rpartition(".")
    geometry: dict[str, Any] = {
        key: getattr(first, key) for key in ("kernel_size", "stride", "padding", "dilation", "groups")
    }
    bias = first.bias is not None
    replaced = nn.Conv2d(channels, first.out_channels, bias=bias, device=first.weight.device, **geometry)
    setattr(network.get_submodule(parent), leaf, replaced)
    return network


def build_on_meta(row: Row, **settings: Any) -> nn.Module:
    """The network of `build` on the meta device: without memory, and in a tenth of the time."""
    with torch.device("meta"):
        network = build(row, **settings)
    return network.to("meta")  # some classes make a parameter on the CPU all the same
