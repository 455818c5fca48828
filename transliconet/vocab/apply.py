"""Applies a merge plan: new subwords for the tokenizer, new embedding rows for the model."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.model.vocabulary import add_rows
from transliconet.progress import say
from transliconet.vocab.merge import MergePlan, NewSubword

TEXTS_PER_CALL = 4096


def unigram_vocabulary(tokenizer: PreTrainedTokenizerBase) -> list[tuple[str, float]]:
    """The vocabulary of a Unigram tokenizer: (subword, log probability), by id.

    Raises:
        CheckpointError: it is not a Unigram tokenizer, or new subwords would take the ids of tokens
            beyond its vocabulary.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    model = state["model"]
    if model.get("type") != "Unigram":
        raise CheckpointError(
            tokenizer.name_or_path,
            f"its tokenizer is {model.get('type')}, not Unigram",
            "Use an XLM-R-like checkpoint",
            code="TLN-CKPT-700",
        )
    size = len(model["vocab"])
    beyond = [token["content"] for token in state["added_tokens"] if token["id"] >= size]
    if beyond:
        raise CheckpointError(
            tokenizer.name_or_path,
            f"its tokens {beyond[:5]} have ids beyond its Unigram vocabulary",
            "Put them into the vocabulary of tokenizer.json",
            code="TLN-CKPT-701",
        )
    return [(subword, score) for subword, score in model["vocab"]]


def tokenize_ids(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], special: bool = False
) -> Iterator[list[int]]:
    """Token ids of each text. Some thousands of texts are tokenized at a time.

    Args:
        tokenizer: any fast tokenizer.
        texts: to tokenize.
        special: whether to add special tokens.
    """
    for start in range(0, len(texts), TEXTS_PER_CALL):
        chunk = list(texts[start : start + TEXTS_PER_CALL])
        yield from tokenizer(chunk, add_special_tokens=special, verbose=False)["input_ids"]


def used_token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> set[int]:
    """The ids that occur in the tokenized texts, special tokens included."""
    used: set[int] = set()
    for ids in tokenize_ids(tokenizer, texts, special=True):
        used.update(ids)
    return used


def extend(encoder: Encoder, new: Sequence[NewSubword]) -> Encoder:
    """Add new subwords to an encoder. Original ids, scores and embedding rows do not change.

    New ids follow the last subword of the tokenizer. A new embedding row, to which the output row
    is tied, and its bias in the head are the mean of those of the sources. The given encoder is
    changed: use the one that is returned.
    """
    first = len(unigram_vocabulary(encoder.tokenizer))
    tokenizer = add_subwords(encoder.tokenizer, new)
    masked_lm = encoder.masked_lm
    add_rows(masked_lm, first, [subword.sources for subword in new])
    masked_lm.config.original_vocabulary = getattr(masked_lm.config, "original_vocabulary", first)
    return encoder.with_tokenizer(tokenizer)


def add_subwords(
    tokenizer: PreTrainedTokenizerBase, new: Iterable[NewSubword]
) -> PreTrainedTokenizerBase:
    """A copy of the tokenizer with subwords appended to its Unigram model."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state["model"]["vocab"] += [[subword.text, subword.score] for subword in new]
    return tokenizer_from_state(state, tokenizer)


def tokenizer_from_state(state: dict, settings: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A tokenizer from the state of a fast one (``tokenizer.json``).

    Args:
        state: of the ``tokenizers`` library.
        settings: a tokenizer whose class, special tokens and maximum length it gets.
    """
    return type(settings)(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        model_max_length=settings.model_max_length,
        name_or_path=settings.name_or_path,
        **settings.special_tokens_map,
    )


def drop_subwords_used_in(
    tokenizer: PreTrainedTokenizerBase, plan: MergePlan, texts: Sequence[str]
) -> MergePlan:
    """Remove from a plan the new subwords that would change how ``texts`` are tokenized.

    Romanized subwords are Latin strings, so they can also change the tokenization of Latin-script
    text. Every new subword that the extended tokenizer uses on ``texts`` is dropped, and this is
    repeated until it uses none. ``texts`` are then tokenized as by the original tokenizer.
    """
    first = len(unigram_vocabulary(tokenizer))
    new, dropped = list(plan.new), 0
    texts = list(dict.fromkeys(texts))
    if not texts:
        return plan
    for number in count(1):  # each round drops subwords, or is the last
        say(f"protect native text: tokenize {len(texts):,} texts, round {number}")
        extended = add_subwords(tokenizer, new)
        rows = extended(texts, add_special_tokens=False)["input_ids"]
        used: set[int] = set()
        for ids in rows:
            used.update(id_ for id_ in ids if id_ >= first)
        if not used:
            break
        # only texts that used a dropped subword are tokenized differently now
        texts = [text for text, ids in zip(texts, rows, strict=True) if not used.isdisjoint(ids)]
        new = [subword for id_, subword in enumerate(new, first) if id_ not in used]
        dropped += len(used)
    skipped = {**plan.skipped, "protected": plan.skipped.get("protected", 0) + dropped}
    return MergePlan(tuple(new), skipped)


def changed_share(
    before: PreTrainedTokenizerBase, after: PreTrainedTokenizerBase, texts: Sequence[str]
) -> float:
    """Share of texts that two tokenizers split into different subwords, whatever their ids."""
    old_ids = before.get_vocab()
    new_to_old = {id_: old_ids.get(subword, -1) for subword, id_ in after.get_vocab().items()}
    changed = 0
    both = zip(tokenize_ids(before, texts), tokenize_ids(after, texts), strict=True)
    for old, new in both:
        changed += old != [new_to_old[id_] for id_ in new]
    return changed / max(len(texts), 1)
