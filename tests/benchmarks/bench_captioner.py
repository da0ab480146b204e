"""The masked transformer over films: proposals and captions a second, against plain decoding.

The network has the size of the recipe `caption/sdh` with random weights; features are random. Plain: the
proposals one by one, each word by the whole sentence anew, as long as a sentence may be. Rates are by
processor time, on one thread.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from avtool.data.vocabulary import BEGIN, Phrasebook, Vocabulary
from avtool.inference.dense_captioning.captioner import DecodingRecipe, DenseCaptioner, Proposals
from avtool.inference.dense_captioning.decoding import write_sentences
from avtool.models.masked_transformer.anchors import Anchors, suppress, tiou
from avtool.models.registry import create

WORDS, MOST = 500, 20


def seconds_of(work: Callable[[], Any]) -> float:
    """The least processor time of three runs, after one that is not counted."""
    work()
    times = []
    for _ in range(3):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def plain_sentences(model: Any, stem: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """Greedy sentences of proposals, one by one, without a cache."""
    rows = []
    for row in range(len(window)):
        encoded = model.encoder(stem, None, window[row : row + 1])
        tokens = torch.full((1, 1), BEGIN)
        for _ in range(MOST - 1):
            logits = model.decoder(tokens, model.decoder.cache(encoded, None))[:, -1]
            tokens = torch.cat([tokens, logits.argmax(-1, keepdim=True)], dim=1)
        rows.append(tokens[0, 1:])
    return torch.stack(rows)


def plain_suppression(
    segments: np.ndarray[Any, Any], scores: np.ndarray[Any, Any], limit: float
) -> list[int]:
    """Pair by pair."""
    kept: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        if all(tiou(segments[place][None], segments[one][None])[0, 0] <= limit for one in kept):
            kept.append(int(place))
    return kept


@torch.no_grad()
def captions(name: str, count: int) -> None:
    """Sentences of some proposals in one window."""
    torch.manual_seed(0)
    model: Any = create(
        name, streams=(("audio", 1024),), words=WORDS, max_words=MOST, dim=256, mlp_dim=1024
    ).eval()
    stem = model.stem(torch.randn(1, model.settings.window, 1024))
    raw = torch.randn(len(model.grid), 4) * 0.1
    anchors = torch.randint(len(model.grid), (count,))
    proposals = Proposals(
        model.grid.decode(raw[anchors, 2:].double().numpy(), anchors.numpy()),
        np.full(count, 0.9),
        anchors.numpy(),
    )
    segments = torch.from_numpy(proposals.segments).float()
    window = model.windows(segments, anchors, raw[anchors, 0])[2]
    words = tuple(f"w{number}" for number in range(WORDS))
    for beams in (1, 4):
        decoding = DecodingRecipe(beams=beams)
        captioner = DenseCaptioner(model, [], 0.25, Vocabulary(words, MOST), [], decoding)

        def batched(captioner: DenseCaptioner = captioner) -> Any:
            return captioner.write(stem, None, raw, proposals, model.settings.window)

        fast = seconds_of(batched)
        print(f"{name}: {count / fast:6.1f} captions/s, {beams} beams, cached and batched")
    slow = seconds_of(lambda: plain_sentences(model, stem, window))
    caches = model.decoder_caches(stem.expand(count, -1, -1), None, window)
    same = (
        write_sentences(model.decoder, caches, MOST - 1).tokens == plain_sentences(model, stem, window)
    ).all()
    print(f"{name}: {count / slow:6.1f} captions/s plain, one by one; the same sentences: {bool(same)}")
    book = Phrasebook([number, number + 1, 3] for number in range(4, WORDS - 1))
    constrained = seconds_of(
        lambda: write_sentences(
            model.decoder, model.decoder_caches(stem.expand(count, -1, -1), None, window), MOST - 1,
            beams=4, phrasebook=book,
        )
    )  # fmt: skip
    print(f"{name}: {count / constrained:6.1f} captions/s of a phrasebook, 4 beams")


@torch.no_grad()
def proposals() -> None:
    """Proposals of windows, and their suppression."""
    torch.manual_seed(0)
    model: Any = create("masked_transformer", streams=(("audio", 1024),), dim=256, mlp_dim=1024).eval()
    stem = model.stem(torch.randn(1, 480, 1024))
    seconds = seconds_of(lambda: model.propose(stem, None))
    print(f"{len(model.grid) / seconds:8.0f} anchors/s scored ({1000 * seconds:.0f} ms a window of 120 s)")
    rng = np.random.default_rng(0)
    start, scores = rng.uniform(0, 480, 2000), rng.random(2000)
    segments = np.stack([start, start + rng.uniform(1, 20, 2000)], axis=1)
    fast = seconds_of(lambda: suppress(segments, scores, 0.3))
    slow = seconds_of(lambda: plain_suppression(segments, scores, 0.3))
    ratio = f"{slow / fast:.1f}x"
    print(f"suppression of 2000 proposals: {1000 * fast:.1f} ms, pair by pair {1000 * slow:.0f} ms, {ratio}")
    grid = Anchors(480, model.settings.anchors)
    events = np.sort(rng.uniform(0, 480, (20, 2)), axis=1)
    targets = seconds_of(lambda: grid.match(events, best=True))
    print(f"targets of {len(grid)} anchors and 20 events: {1000 * targets:.2f} ms")


if __name__ == "__main__":
    torch.set_num_threads(1)
    captions("masked_transformer", 16)
    proposals()
