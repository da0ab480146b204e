"""Search for templates with T5: one continuation that is likely for all examples together (LM-BFF §5.2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.foreign import check_vocabulary, read_by_others
from avtool.core.requirements import quiet_transformers
from avtool.data.few_shot.template import is_part

Form = Literal["text first", "text last", "pair"]
Tokens = tuple[int, ...]
Step = Callable[[Sequence[Tokens]], NDArray[np.float32]]
"""Prefixes (B) of generated tokens → mean log probabilities (B, V) of the next one, over all examples."""
_FORBIDDEN = ("▁", "....", "..........")
_FULL_STOP = "."
_SEQUENCES = 512


@dataclass(frozen=True)
class Grammar:
    """What may be generated: part 0, its sentinel, part 1, and the sentinel or the end that ends it.

    Attributes:
        middle: the sentinel between the parts.
        ends: tokens that end the second part.
        forbidden: tokens that no part has.
        single: a token that never follows itself; None for none.
        max_tokens: of both parts and the sentinel between them.
    """

    middle: int
    ends: tuple[int, ...]
    forbidden: tuple[int, ...] = ()
    single: int | None = None
    max_tokens: int = 20


@dataclass(frozen=True)
class Generated:
    """Two parts, as tokens, and their mean log probability."""

    first: Tokens
    second: Tokens
    score: float


def search_templates(step: Step, grammar: Grammar, beam: int) -> list[Generated]:
    """The likeliest pairs of parts by beam search, the best first.

    A prefix's score is the sum over its tokens of the mean log probability; what has ended is kept as it is.

    Args:
        step: scores the next tokens.
        grammar: what may be generated.
        beam: unfinished prefixes, and finished pairs, that are kept.
    """
    prefixes: list[tuple[Tokens, float]] = [((), 0.0)]
    ended: list[tuple[Tokens, float]] = []
    for length in range(1, grammar.max_tokens + 1):
        scores = step([tokens for tokens, _ in prefixes])
        grown: list[tuple[Tokens, float]] = []
        for (tokens, score), row in zip(prefixes, scores, strict=True):
            allowed = _allowed(tokens, grammar, row, left=grammar.max_tokens - length)
            best = np.argsort(-allowed, kind="stable")[: beam + 2]
            grown += [
                ((*tokens, int(one)), score + float(allowed[one]))
                for one in best
                if np.isfinite(allowed[one])
            ]
        grown.sort(key=lambda entry: -entry[1])
        done = [entry for entry in grown if _is_done(entry[0], grammar)]
        ended = _best_of_equal_parts([*ended, *done])[:beam]
        prefixes = [entry for entry in grown if not _is_done(entry[0], grammar)][:beam]
        if not prefixes or (len(ended) == beam and prefixes[0][1] <= ended[-1][1]):
            break  # a score only falls
    return [_parts(tokens, score, grammar) for tokens, score in ended]


def _allowed(tokens: Tokens, grammar: Grammar, row: NDArray[np.float32], *, left: int) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = row.astype(np.float64)
    scores[list(grammar.forbidden)] = -np.inf
    in_second = grammar.middle in tokens
    if in_second:
        scores[grammar.middle] = -np.inf
    else:
        scores[list(grammar.ends)] = -np.inf
    if grammar.single is not None and tokens and tokens[-1] == grammar.single:
        scores[grammar.single] = -np.inf
    if left == 0 or (left == 1 and not in_second):  # no room but for what leads to the end
        kept = list(grammar.ends) if in_second else [grammar.middle]
        ending = np.full_like(scores, -np.inf)
        ending[kept] = scores[kept]
        return ending
    return scores


def _best_of_equal_parts(ended: Sequence[tuple[Tokens, float]]) -> list[tuple[Tokens, float]]:
    """What has ended, the best first; of equal parts that end in two ways the likelier one."""
    best: dict[Tokens, tuple[Tokens, float]] = {}
    for tokens, score in sorted(ended, key=lambda entry: -entry[1]):
        best.setdefault(tokens[:-1], (tokens, score))
    return list(best.values())


def _is_done(tokens: Tokens, grammar: Grammar) -> bool:
    return grammar.middle in tokens[:-1] and tokens[-1] in grammar.ends


def _parts(tokens: Tokens, score: float, grammar: Grammar) -> Generated:
    place = tokens.index(grammar.middle)
    return Generated(tokens[:place], tokens[place + 1 : -1], score)


class T5Filler:
    """T5 that fills two gaps around a label word.

    Args:
        folder: of transformers: T5's weights, configuration and tokenizer.
        device: where it computes.

    Raises:
        CorruptArtifactError, MissingError: it cannot be read.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        try:
            from transformers import AutoTokenizer, T5ForConditionalGeneration
        except ImportError as error:
            raise MissingError("T5 needs transformers", "pip install 'avtool[hub]'") from error
        place = str(folder.absolute())
        check_vocabulary(folder, CorruptArtifactError)
        problem = f"`{folder}` holds no T5"
        with read_by_others(problem, "give T5's folder: --t5", CorruptArtifactError), quiet_transformers():
            self.tokenizer: Any = AutoTokenizer.from_pretrained(
                place, local_files_only=True, trust_remote_code=False
            )
            model: Any = T5ForConditionalGeneration.from_pretrained(place, local_files_only=True)
        self.device = device
        self.model: Any = model.to(device).eval()

    def grammar(self, max_tokens: int = 20) -> Grammar:
        """What it may generate.

        Raises:
            BadInputError: its vocabulary has no sentinels.
        """
        ids = {name: self._id(f"<extra_id_{name}>") for name in (0, 1, 2)}
        if any(token is None for token in ids.values()):
            raise BadInputError("the vocabulary of this T5 has no <extra_id_0>, …", "give a T5")
        forbidden = [self._id(piece) for piece in _FORBIDDEN] + [
            self._id(f"▁{piece}") for piece in _FORBIDDEN[1:]
        ]
        forbidden += [self._id(f"<extra_id_{number}>") for number in (0, *range(3, 100))]
        forbidden += [self.tokenizer.pad_token_id, self.tokenizer.unk_token_id]
        end = int(self.tokenizer.eos_token_id)
        return Grammar(
            int(ids[1]),  # type: ignore[arg-type]  # checked above
            (int(ids[2]), end),  # type: ignore[arg-type]
            tuple(sorted({int(token) for token in forbidden if token is not None})),
            self._id(_FULL_STOP),
            max_tokens,
        )

    def _id(self, piece: str) -> int | None:
        token = self.tokenizer.convert_tokens_to_ids(piece)
        return None if token is None or token == self.tokenizer.unk_token_id else int(token)

    def step(self, sources: Sequence[str]) -> Step:
        """The mean scores of next tokens over examples with the gaps `<extra_id_0>` and `<extra_id_1>`."""
        import torch

        batch = self.tokenizer(
            list(sources), padding=True, truncation=True, max_length=256, return_tensors="pt"
        )
        mask = batch["attention_mask"].to(self.device)
        with torch.no_grad():
            states = self.model.encoder(input_ids=batch["input_ids"].to(self.device), attention_mask=mask)[0]
        start = [int(self.model.config.decoder_start_token_id), self._id("<extra_id_0>")]

        def score(prefixes: Sequence[Tokens]) -> NDArray[np.float32]:
            rows = []
            at_once = max(1, _SEQUENCES // len(sources))
            with torch.no_grad():
                for first in range(0, len(prefixes), at_once):
                    some = prefixes[first : first + at_once]
                    given = torch.tensor([[*start, *prefix] for prefix in some], device=self.device)
                    output = self.model(
                        encoder_outputs=(states.repeat(len(some), 1, 1),),
                        attention_mask=mask.repeat(len(some), 1),
                        decoder_input_ids=given.repeat_interleave(len(sources), dim=0),
                    )
                    shares = torch.log_softmax(output.logits[:, -1].float(), dim=1)
                    rows.append(shares.view(len(some), len(sources), -1).mean(dim=1).cpu().numpy())
            return np.concatenate(rows)

        return score

    def text(self, tokens: Tokens) -> str:
        """Generated tokens as template characters: `_` for each space."""
        pieces = self.tokenizer.convert_ids_to_tokens(list(tokens))
        return "".join(pieces).replace("▁", "_")


def source_text(form: Form, texts: Sequence[str], word: str) -> str:
    """An example with its label word and two gaps, as T5 is given it."""
    gaps = f"<extra_id_0> {word} <extra_id_1>"
    if form == "text first":
        return f"{texts[0]} {gaps}"
    if form == "text last":
        return f". {gaps} {texts[0]}"
    second = texts[1][:1].lower() + texts[1][1:]
    return f"{texts[0][:-1]} {gaps} {second}"


def as_template(form: Form, first: str, second: str) -> str | None:
    """The template of two generated parts, or None where the template language cannot write them."""
    if any("*" in part or is_part(part) for part in (first, second)):
        return None
    if form == "text first":
        return f"*cls**sent_0*{first}*mask*{second}*sep+*"
    if form == "text last":
        return f"*cls*{first}*mask*{second}*+sent_0**sep+*"
    return f"*cls**sent-_0*{first}*mask*{second}*+sentl_1**sep+*"
