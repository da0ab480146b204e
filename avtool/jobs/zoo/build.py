"""A row of the zoo written as a model folder: an encoder with random, published or given weights."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.models.zoo.catalogue import find_row, need_builder


def build(
    name: str,
    out: Path,
    reporter: Reporter,
    *,
    pretrained: bool = False,
    weights: Path | None = None,
    seed: int = 0,
    command: str = "",
) -> int:
    """Writes a row as an encoder of images, and returns the number of its parameters.

    Args:
        name: the row's name or key.
        out: the folder to write, which must not exist.
        reporter: gets a line where weights are random.
        pretrained: take the weights that the row's library publishes.
        weights: a file of weights.
        seed: of random weights.
        command: the command line, for the card.

    Raises:
        BadInputError: the row does not exist or has no builder, the folder exists, or the file is of another
            network; or both kinds of weights are wanted.
        MissingError: the hub cannot be reached, or nobody is known to publish weights.
    """
    if pretrained and weights is not None:
        raise BadInputError("--pretrained and --weights are both given", "give one of them")
    if out.exists():
        raise BadInputError(f"`{out}` exists", "choose another --out")
    row = need_builder(find_row(name))
    from avtool.models.model_folder import ModelDescription, save_model
    from avtool.models.seeds import derive, seed_everything
    from avtool.models.zoo.network import ZooNetwork
    from avtool.models.zoo.published_weights import (
        check_source,
        describe_encoder,
        encoder_settings,
        load_published,
    )

    if pretrained or weights is not None:
        check_source(row, weights)
        network, origin = load_published(row, weights), f"weights of {weights or 'its library'}"
    else:
        seed_everything(derive(seed, "model"))
        network, origin = ZooNetwork(encoder_settings(row)), "random weights"
        reporter.info(f"`{row.name}` has random weights: give --pretrained or --weights for others")
    arguments, preprocess = describe_encoder(row)
    summary = f"{row.name} of the zoo, without its last layer; {origin}."
    description = ModelDescription("zoo", arguments, preprocess, summary, command)
    save_model(out, network.state_dict(), description, seed=seed)
    return sum(parameter.numel() for parameter in network.parameters())
