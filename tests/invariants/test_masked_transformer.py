"""The masked transformer: which gradients pass, causality, padding, anchors, cached decoding, overfitting."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from avtool.data.vocabulary import BEGIN, END, PAD, Phrasebook, Vocabulary
from avtool.inference.dense_captioning.captioner import DecodingRecipe, DenseCaptioner
from avtool.inference.dense_captioning.decoding import write_sentences
from avtool.models.masked_transformer.anchors import Anchors, suppress, tiou
from avtool.models.registry import create
from avtool.objectives.dense_captioning import DenseCaptioning, DenseCaptioningWeights

torch.set_num_threads(1)
STEPS, WIDTH = 60, 32
GRID = Anchors(STEPS, (1, 2, 3, 4, 5, 7, 9, 11, 15, 21, 29))


def network(**settings: Any) -> Any:
    torch.manual_seed(1)
    return create("masked_transformer_tiny", dropout=0.0, step_dropout=0.0, **settings)


def features(rows: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(rows, STEPS, WIDTH, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize(
    ("mask", "reached"),
    [("gated", {0, 2, 3}), ("learned", {2, 3}), ("binary", set())],
)
def test_the_caption_alone_teaches_the_proposal_what_its_window_says(
    mask: str, reached: set[int], parity: bool
) -> None:
    model = network(mask=mask, parity=parity)
    tokens = torch.tensor([[2, 5, 6], [2, 7, 8]])
    output = model(features(), None, torch.tensor([140, 433]), tokens)
    torch.nn.functional.cross_entropy(output.words.flatten(0, 1), torch.randint(4, 50, (6,))).backward()
    rows = [head[-1].weight.grad for head in model.heads]
    total = sum((grad.abs().sum(dim=(1, 2)) for grad in rows if grad is not None), torch.zeros(4))
    assert {row for row in range(4) if total[row] > 0} == reached


@pytest.mark.parametrize("place", [1, 3])
def test_a_later_word_changes_no_earlier_logits(place: int) -> None:
    model = network().eval()
    tokens = torch.randint(4, 50, (2, 6))
    other = tokens.clone()
    other[:, place] = (other[:, place] + 1) % 50
    anchor = torch.tensor([10, 300])
    with torch.no_grad():
        one, two = (model(features(), None, anchor, words).words for words in (tokens, other))
    assert torch.equal(one[:, :place], two[:, :place])
    assert not torch.equal(one[:, place:], two[:, place:])


def test_two_films_in_a_batch_are_two_batches() -> None:
    model = network().eval()
    mask = torch.arange(STEPS) < torch.tensor([[STEPS], [23]])
    streams = features() * mask[..., None]
    tokens, anchor = torch.tensor([[2, 5, 6], [2, 7, 8]]), torch.tensor([40, 11])
    with torch.no_grad():
        both = model(streams, mask, anchor, tokens)
        for row in range(2):
            part = slice(row, row + 1)
            alone = model(streams[part], mask[part], anchor[part], tokens[part])
            for one, two in zip(both, alone, strict=True):
                assert torch.allclose(one[part], two, atol=1e-5)


def test_what_is_padded_is_not_seen() -> None:
    model = network().eval()
    mask = (torch.arange(STEPS) < 23)[None]
    streams = features(1)
    noisy = torch.where(mask[..., None], streams, 100.0)
    with torch.no_grad():
        one, two = (
            model(values, mask, torch.tensor([11]), torch.tensor([[2, 5]])) for values in (streams, noisy)
        )
    assert torch.allclose(one.proposals, two.proposals, atol=1e-5)
    assert torch.allclose(one.words, two.words, atol=1e-5)


def test_offsets_are_decoded_to_their_segments() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 40, 200)
    segments = np.stack([start, start + rng.uniform(0.3, 20, 200)], axis=1)
    anchors = rng.integers(len(GRID), size=200)
    assert GRID.decode(GRID.encode(segments, anchors), anchors) == pytest.approx(segments, abs=1e-6)


def test_suppression_keeps_what_it_kept() -> None:
    rng = np.random.default_rng(1)
    start = rng.uniform(0, 50, 300)
    segments, scores = np.stack([start, start + rng.uniform(1, 9, 300)], axis=1), rng.random(300)
    kept = suppress(segments, scores, 0.5)
    assert suppress(segments[kept], scores[kept], 0.5) == list(range(len(kept)))
    overlap = tiou(segments[kept], segments[kept])
    assert (overlap[~np.eye(len(kept), dtype=bool)] <= 0.5).all()
    assert len(suppress(segments, scores, 0.5, most=7)) == 7


@pytest.mark.parametrize("best", [False, True])
def test_targets_move_with_events_and_anchors(best: bool) -> None:
    grid = Anchors(40, (2, 5, 11))
    events = np.array([[3.2, 8.1], [9.0, 11.3], [10.0, 20.0]])
    owner, largest = grid.match(events, best=best)
    moved_owner, moved = grid.match(events + 7, best=best)
    place = {
        (length, centre): n for n, (length, centre) in enumerate(zip(grid.lengths, grid.centres, strict=True))
    }
    pairs = [
        (n, place[length, centre + 7])
        for (length, centre), n in place.items()
        if (length, centre + 7) in place
    ]
    here, there = np.array(pairs).T
    assert (owner[here] == moved_owner[there]).all()
    assert largest[here] == pytest.approx(moved[there])
    assert {0, 1, 2} <= {*owner}


def test_an_event_too_short_for_anchors_has_its_best_one_on_demand() -> None:
    events = np.array([[5.3, 5.6], [20.0, 29.0]])
    assert 0 not in Anchors(40, (2, 9)).match(events)[0]
    owner, largest = Anchors(40, (2, 9)).match(events, best=True)
    assert (owner == 0).sum() == 1
    assert largest[owner == 0] == pytest.approx(0.15)


def plain_greedy(model: Any, stem: Tensor, window: Tensor, most: int) -> list[list[int]]:
    """Each word by the whole sentence anew, without a cache."""
    tokens = torch.full((len(stem), 1), BEGIN)
    for _ in range(most):
        logits = model.decoder(tokens, model.decoder_caches(stem, None, window))[:, -1]
        tokens = torch.cat([tokens, logits.argmax(-1, keepdim=True)], dim=1)
    rows = [row[1:] for row in tokens.tolist()]
    return [row[: row.index(END) + 1] if END in row else row for row in rows]


@torch.no_grad()
@pytest.mark.parametrize("seed", range(4))
def test_cached_decoding_writes_what_plain_decoding_does(seed: int) -> None:
    model = network().eval()
    stem, window = model.stem(features(5, seed)), torch.rand(5, STEPS)
    sentences = write_sentences(model.decoder, model.decoder_caches(stem, None, window), 19)
    rows = [[token for token in row if token != PAD] for row in sentences.tokens.tolist()]
    assert rows == plain_greedy(model, stem, window, 19)


@torch.no_grad()
def test_a_phrasebook_allows_its_phrases_alone_and_beams_find_the_likeliest() -> None:
    model = network().eval()
    stem, window = model.stem(features(6)), torch.rand(6, STEPS)
    phrases = [[5, 6, END], [5, 7, 8, END], [9, END], [10, 11, 12, 13, END]]
    book = Phrasebook(phrases)
    found = write_sentences(
        model.decoder, model.decoder_caches(stem, None, window), 19, beams=4, phrasebook=book
    )
    for row in range(6):
        means = []
        for phrase in phrases:
            tokens = torch.tensor([[BEGIN, *phrase[:-1]]])
            caches = model.decoder_caches(stem[row : row + 1], None, window[row : row + 1])
            words = model.decoder(tokens, caches)[0].log_softmax(-1)
            means.append(float(words[torch.arange(len(phrase)), phrase].mean()))
        written = [token for token in found.tokens[row].tolist() if token != PAD]
        assert written == phrases[int(np.argmax(means))]
        assert float(found.scores[row]) == pytest.approx(max(means), abs=1e-5)


def test_two_films_are_learned_by_heart() -> None:
    """Their sentences are written verbatim, and their segments found within a step."""
    vocabulary = Vocabulary.of(["a dog barks loudly", "glass breaks on the floor"], 1, 10)
    texts, segments = (
        ["a dog barks loudly", "glass breaks on the floor"],
        np.array([[8.0, 15.0], [30.0, 50.0]]),
    )
    model = network(words=len(vocabulary), max_words=10)
    grid, streams = model.grid, features()
    batch: dict[str, Any] = {"streams": streams, "streams_mask": torch.ones(2, STEPS, dtype=torch.bool)}
    owners = [grid.match(segment[None]) for segment in segments]
    rng = np.random.default_rng(0)
    positives = np.stack([rng.choice(np.flatnonzero(owner == 0), 10) for owner, _ in owners])
    offsets = [grid.encode(np.repeat(s[None], 10, 0), p) for s, p in zip(segments, positives, strict=True)]
    batch |= {
        "positives": torch.from_numpy(positives),
        "offsets": torch.from_numpy(np.stack(offsets)).float(),
        "segment": torch.from_numpy(segments).float(),
        "tokens": torch.from_numpy(np.stack([vocabulary.encode(text) for text in texts])),
    }
    objective = DenseCaptioning(DenseCaptioningWeights(given=0.05), 200)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(200):
        batch["negatives"] = torch.from_numpy(
            np.stack([rng.choice(np.flatnonzero(owner == -1), 10) for owner, _ in owners])
        )
        batch["caption"] = torch.from_numpy(rng.integers(10, size=2))
        optimizer.zero_grad()
        losses = objective(model, batch)
        losses["loss"].backward()
        optimizer.step()
    assert losses["sentence_loss"] < 0.1
    model.eval()
    captioner = DenseCaptioner(model, [], 1.0, vocabulary, [], DecodingRecipe(beams=1, least=1, most=1))
    with torch.no_grad():
        stem = model.stem(streams)
        raw = model.propose(stem, None)
    for row in range(2):
        proposals = captioner.choose(raw[row].numpy(), STEPS)
        written, _ = captioner.write(stem[row : row + 1], None, raw[row], proposals, STEPS)
        assert written == [texts[row]]
        assert np.abs(proposals.segments[0] - segments[row]).max() <= 1
