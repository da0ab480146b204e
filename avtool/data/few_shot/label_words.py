"""Label words: the words of a vocabulary that stand for the classes of a task."""

from collections.abc import Mapping, Sequence

from rapidfuzz import process

from avtool.core.errors import BadInputError
from avtool.data.few_shot.tokenizer import PromptTokenizer

Words = Mapping[str, Sequence[str]]
"""Class → its label words."""
_SHOWN = 5


def label_word_ids(
    tokenizer: PromptTokenizer, words: Words, *, mean: bool = False
) -> tuple[tuple[int, ...], ...]:
    """The token of each label word, class by class.

    Args:
        tokenizer: of the model.
        words: in the order of the classes.
        mean: whether a class may have several words, whose logits are averaged.

    Raises:
        BadInputError: a word is unknown or several tokens, two classes have the same word, or a class has
            several words without `mean`.
    """
    ids = []
    for label, names in words.items():
        if len(names) > 1 and not mean:
            message = f"class `{label}` has {len(names)} label words ({', '.join(names)})"
            raise BadInputError(message, "give one, or average them: --set model.verbalizer=mean")
        ids.append(tuple(_token_of(tokenizer, label, word) for word in names))
    _refuse_shared(words, ids)
    return tuple(ids)


def _token_of(tokenizer: PromptTokenizer, label: str, word: str) -> int:
    pieces = tokenizer.word_pieces(word)
    if len(pieces) == 1 and tokenizer.is_special(pieces[0]):
        message = f"the label word `{word}` of class `{label}` is a special token of the vocabulary"
        raise BadInputError(message, "give a word that the masked LM may predict")
    if len(pieces) == 1 and word.strip() and tokenizer.is_known(pieces[0]):
        return pieces[0]
    near = [
        name
        for name, *_ in process.extract(word, list(dict.fromkeys(tokenizer.words.values())), limit=_SHOWN)
    ]
    shown = " + ".join(f"`{piece}`" for piece in tokenizer.pieces_of(pieces)) or "nothing"
    what = "is unknown to the vocabulary" if len(pieces) == 1 else f"is {len(pieces)} tokens"
    message = f"the label word `{word}` of class `{label}` {what}: {shown}"
    raise BadInputError(message, f"words of one token near it: {', '.join(near)}")


def _refuse_shared(words: Words, ids: Sequence[Sequence[int]]) -> None:
    owner: dict[int, str] = {}
    for (label, names), tokens in zip(words.items(), ids, strict=True):
        for name, token in zip(names, tokens, strict=True):
            if token in owner:
                message = f"classes `{owner[token]}` and `{label}` have the same label word `{name}`"
                raise BadInputError(message, "give each class a word of its own")
            owner[token] = label
