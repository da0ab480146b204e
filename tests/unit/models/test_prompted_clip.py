"""Prompts of CLIP: identities, gradients, permutations, and what stays frozen."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from avtool.core.errors import BadInputError, MissingError
from avtool.models.clip.host import Texts
from avtool.models.clip.hub import open_host
from avtool.models.clip.methods import METHODS
from avtool.models.clip.prompted_clip import PromptedClip
from avtool.models.registry import create
from tests.clip_models import CLASSES, class_texts, prompted, random_clip, write_clip

LABELS = torch.tensor([0, 1, 2, 3])


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def texts_of(model: PromptedClip) -> Texts:
    return model.texts("prompted")


def test_words_as_vectors_give_the_features_of_the_words(tmp_path: Path) -> None:
    host_folder = open_host(str(write_clip(tmp_path)))
    model = prompted("coop")
    words = host_folder.embedded_words("do ca")
    prompts = host_folder.encode_prompts(CLASSES, len(words))
    plain = host_folder.encode([f"do ca {name}." for name in CLASSES])
    as_texts = [
        Texts(torch.tensor(one.tokens), torch.tensor(one.lengths), torch.tensor(one.places))
        for one in (prompts, plain)
    ]
    with torch.no_grad():
        vectors = model.host.embed_tokens(torch.tensor(words))
        ours, theirs = model.host.encode_text(as_texts[0], vectors), model.host.encode_text(as_texts[1])
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("position", "expected"), [("end", [1, 2, 3, 4]), ("middle", [1, 2, 5, 6]), ("front", [3, 4, 5, 6])]
)
def test_the_class_name_may_stand_anywhere(tmp_path: Path, position: str, expected: list[int]) -> None:
    folder = open_host(str(write_clip(tmp_path)))
    found = folder.encode_prompts(["cat"], 4, position)  # type: ignore[arg-type]
    assert list(found.places[0]) == expected  # `cat` is ca and t; a full stop follows
    without = [token for place, token in enumerate(found.tokens[0]) if place not in expected]
    assert without == list(folder.encode(["cat."]).tokens[0])


def test_a_long_name_is_refused_with_what_fits(tmp_path: Path) -> None:
    folder = open_host(str(write_clip(tmp_path)))
    with pytest.raises(BadInputError, match="`cat` takes 25 tokens and the text tower 24") as caught:
        folder.encode_prompts(["cat"], 20)
    assert caught.value.hint == "the largest prompt.context that fits is 19"


def test_texts_are_cut_to_the_longest() -> None:
    model = prompted("coop")
    own = texts_of(model)
    long = own._replace(tokens=F.pad(own.tokens, (0, 24 - own.tokens.shape[1]), value=99))
    assert model.text is not None
    with torch.no_grad():
        cut = model.host.encode_text(long, model.text())
        full = model.host._encode_chunk(*long, model.text().expand(4, -1, -1))
    torch.testing.assert_close(cut, full, atol=2e-6, rtol=0)


def test_chunks_of_classes_have_the_same_features_and_gradients() -> None:
    model = prompted("coop")
    found = []
    for chunk in (0, 1, 3):
        model.class_chunk = chunk
        model.zero_grad()
        features = model.class_features()
        features.square().sum().backward()
        found.append((features.detach(), model.text.vectors.grad.clone()))  # type: ignore[union-attr]
    for features, gradient in found[1:]:
        torch.testing.assert_close(features, found[0][0], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(gradient, found[0][1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("method", ["coop", "dpt"])
def test_batches_of_a_step_share_a_pass_of_the_texts(
    method: str, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, images = prompted(method).double(), images.double()  # gradients in fp32 differ by 3e-6
    passes: list[str] = []
    encode = PromptedClip._encode
    monkeypatch.setattr(PromptedClip, "_encode", lambda *given: passes.append(given[1]) or encode(*given))

    def gradients(parts: list[slice], *, shared: bool) -> list[torch.Tensor]:
        model.zero_grad()
        with model.shared_texts() if shared else nullcontext():
            for part in parts:
                (F.cross_entropy(model(images[part]).logits, LABELS[part]) / len(parts)).backward()
        return [each.grad.clone() for each in model.parameters() if each.grad is not None]

    halves = [slice(0, 2), slice(2, 4)]
    whole, apart = gradients([slice(0, 4)], shared=False), gradients(halves, shared=False)
    passes.clear()
    together = gradients(halves, shared=True)
    assert passes.count("prompted") == 1
    torch.testing.assert_close(together, apart, atol=1e-6, rtol=0)
    torch.testing.assert_close(together, whole, atol=1e-6, rtol=0)


def test_without_visual_prompts_dpt_is_coop(images: torch.Tensor) -> None:
    coop, dpt = prompted("coop"), prompted("dpt", visual=0, top_k=0)
    dpt.text.load_state_dict(coop.text.state_dict())  # type: ignore[union-attr]
    with torch.no_grad():
        torch.testing.assert_close(coop(images).logits, dpt(images).logits, atol=1e-6, rtol=0)


def test_the_order_of_prompts_and_their_place_do_not_matter(images: torch.Tensor) -> None:
    model = prompted("vpt-deep")
    tokens = model.visual.tokens.detach()  # type: ignore[union-attr]
    with torch.no_grad():
        ours = model.host.encode_image(images, lambda layer, x: tokens[layer].expand(len(x), -1, -1))
        turned = model.host.encode_image(
            images, lambda layer, x: tokens[layer].flip(0).expand(len(x), -1, -1)
        )
    torch.testing.assert_close(ours, turned, atol=2e-6, rtol=0)


def test_shallow_prompts_stay_in_the_sequence(images: torch.Tensor) -> None:
    shallow = prompted("vpt-shallow")
    seen: list[int] = []
    for layer in shallow.host.clip.vision_model.encoder.layers:
        layer.register_forward_hook(lambda module, args, output: seen.append(output.shape[1]))
    with torch.no_grad():
        shallow(images)
    assert seen[-4:] == [20] * 4  # 16 patches, the class token and 3 prompts


def test_permuted_classes_permute_the_logits(images: torch.Tensor) -> None:
    order = [2, 0, 3, 1]
    ours = prompted("dpt", top_k=4)
    texts = class_texts(4, [CLASSES[place] for place in order])
    other = PromptedClip(replace(ours.settings, **texts))
    state = ours.state_dict()
    for name in list(state):
        if name.endswith("classifier.weight"):
            state[name] = state[name][order]
    other.load_state_dict(state)
    with torch.no_grad():
        torch.testing.assert_close(ours(images).logits[:, order], other(images).logits, atol=1e-6, rtol=0)


def test_permuted_selections_permute_the_prompts() -> None:
    model = prompted("dpt")
    generator, tokens, selected = model.aware[0], torch.randn(2, 17, 64), torch.randn(2, 3, 32)
    order = [2, 0, 1]
    with torch.no_grad():
        one, two = generator(selected, tokens), generator(selected[:, order], tokens)
    for ours, theirs in zip(one, two, strict=True):
        torch.testing.assert_close(ours[:, order], theirs, atol=1e-6, rtol=0)


def test_trainable_parameters_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        model = create("clip_prompts")
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert count["text"] == 8_192
    assert count["visual"] == 84_480
    assert count["aware"] == 1_043_712 + 768 * 2  # and the auxiliary classifier of two classes
    with torch.device("meta"):
        figure = create("clip_prompts", beside=True)
    assert figure.visual.tokens.shape == (12, 10, 768)


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.learns])
def test_the_host_stays_as_it_is(method: str, images: torch.Tensor) -> None:
    model = prompted(method)
    before = {name: value.clone() for name, value in model.host.state_dict().items()}
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, 0.1)
    model.train()
    assert not model.host.training
    for _ in range(2):
        scores = model.scores(images, guide=True)
        terms = [F.cross_entropy(scores.logits, LABELS), *(one.square().mean() for one in scores.auxiliary)]
        optimizer.zero_grad()
        sum(terms).backward()  # type: ignore[union-attr]
        optimizer.step()
    assert all(p.grad is not None for p in learned)
    assert all(p.grad is None for p in model.host.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.host.state_dict().items())


def _numeric(
    model: PromptedClip, parameter: torch.Tensor, images: torch.Tensor, place: tuple[int, ...]
) -> tuple[float, float]:
    """Central difference and gradient of one number."""

    def loss() -> torch.Tensor:
        return F.cross_entropy(model.scores(images).logits, LABELS)

    model.zero_grad()
    loss().backward()
    analytic, step = float(parameter.grad[place]), 1e-6  # type: ignore[index]
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            parameter[place] += sign * step
            values.append(float(loss()))
            parameter[place] -= sign * step
    return (values[0] - values[1]) / (2 * step), analytic


def test_gradients_pass_all_but_the_stop(images: torch.Tensor) -> None:
    wide = images.double()
    model = prompted("dpt").double()
    generator = model.aware[0]
    for parameter in (model.text.vectors, generator.query.weight, generator.value.weight):  # type: ignore[union-attr]
        numeric, analytic = _numeric(model, parameter, wide, (0, 1))
        assert numeric == pytest.approx(analytic, abs=1e-7)
    numeric, analytic = _numeric(model, model.visual.tokens, wide, (0, 0, 0))  # type: ignore[union-attr]
    assert abs(numeric - analytic) > 1e-6, "a change of a prompt moves the memory, which passes no gradient"
    open_model = prompted("dpt", stop_gradient=False).double()
    numeric, analytic = _numeric(open_model, open_model.visual.tokens, wide, (0, 0, 0))  # type: ignore[union-attr]
    assert numeric == pytest.approx(analytic, abs=1e-7)


def test_known_features_replace_the_plain_pass(images: torch.Tensor) -> None:
    for method in ("coop", "cocoop", "dpt"):
        model = prompted(method).eval()
        with torch.no_grad():
            feature = model.image_features(images)
            whole, known = model(images).logits, model(images, feature).logits
        assert torch.equal(whole, known)
        if not model.method.visual:
            with torch.no_grad():
                assert torch.equal(model(feature=feature).logits, whole)


def test_kept_class_features_follow_the_prompts(images: torch.Tensor) -> None:
    model = prompted("coop").eval()
    with torch.no_grad():
        before = model(images).logits
        model.text.vectors.data.add_(0.5)  # type: ignore[union-attr]
        after = model(images).logits
    assert not torch.equal(before, after)


def test_a_host_without_a_vision_transformer_takes_no_visual_prompts() -> None:
    pair = {
        "kind": "towers", "image": "resnet10t", "embed_dim": 512, "scale": 30.0,
        "text": {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                 "intermediate_size": 32, "vocab_size": 100, "max_position_embeddings": 24},
    }  # fmt: skip
    model = create("clip_prompts_tiny", host=pair, method="coop").eval()
    with torch.no_grad():
        logits = model(torch.randn(2, 3, 64, 64)).logits
        spliced = model.text.vectors.expand(2, -1, -1)
        texts = texts_of(model)
        states = model.host.embed_tokens(texts.tokens)
        states[:, 1:5] = spliced
        mean = model.host.text(inputs_embeds=states).last_hidden_state.mean(dim=1)
        torch.testing.assert_close(model.class_features(), model.host.projection(mean), atol=1e-5, rtol=0)
    assert np.isfinite(logits.numpy()).all()
    with pytest.raises(BadInputError, match="needs a ViT image tower") as caught:
        create("clip_prompts_tiny", host=pair, method="vpt-deep")
    assert "--method coop" in caught.value.hint


def test_a_host_of_another_size_is_refused(tmp_path: Path) -> None:
    model = prompted("coop")
    other = random_clip(hidden_size=32).state_dict()
    with pytest.raises(BadInputError, match="in the weights and"):
        model.host.load(other)


def test_a_broken_library_beneath_transformers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ModuleType):
        def __getattr__(self, name: str) -> None:
            raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setitem(sys.modules, "transformers", Broken("transformers"))
    with pytest.raises(MissingError, match=r"cannot load `CLIPConfig` \(operator torchvision::nms") as caught:
        create("clip_prompts_tiny")
    assert "torch and torchvision must be of one build" in caught.value.hint


def test_every_layer_may_have_class_aware_prompts(images: torch.Tensor) -> None:
    model = prompted("dpt", aware_from=1)
    assert len(model.aware) == 4
    assert model.visual.tokens.numel() == 0  # type: ignore[union-attr]
    scores = model.scores(images, guide=True)
    assert [tuple(logits.shape) for logits in scores.auxiliary] == [(4, 2, 4)] * 4
    assert all(torch.allclose(each.sum(dim=-1), torch.ones(4, 2)) for each in scores.attention)
