"""Applies a merge plan: new subwords for the tokenizer, new embedding rows for the model."""

from collections.abc import Collection, Iterator, Sequence
from itertools import count

from transformers import PreTrainedTokenizerBase

from transliconet.model.encoder import Encoder
from transliconet.model.vocabulary import add_rows
from transliconet.progress import say
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.merge import MergePlan, NewSubword

TEXTS_PER_CALL = 4096


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


def extend(encoder: Encoder, new: Sequence[NewSubword], banned: Collection[str] = ()) -> Encoder:
    """Add new subwords to an encoder. Original ids, scores and embedding rows do not change.

    New ids follow the last of the tokenizer. A new embedding row, to which the output row is tied,
    and its bias in the head are the mean of those of the sources. An original subword that a new
    one replaces keeps its id and row, which nothing uses any more. The given encoder is changed:
    use the one that is returned.

    Args:
        encoder: with a Unigram, WordPiece or BPE tokenizer.
        new: subwords that the tokenizer cannot use are left out (:func:`complete_plan`).
        banned: subwords that must not be added to complete the new ones.

    Raises:
        CheckpointError: its tokenizer cannot be extended.
    """
    family = family_of(encoder.tokenizer)
    completed = family.complete(new, banned)
    masked_lm = encoder.masked_lm
    sources = [subword.sources for subword in completed]
    add_rows(masked_lm, family.size, sources, [subword.weights for subword in completed])
    first = getattr(masked_lm.config, "original_vocabulary", family.size)
    masked_lm.config.original_vocabulary = first
    return encoder.with_tokenizer(family.extended(completed))


def add_subwords(
    tokenizer: PreTrainedTokenizerBase,
    new: Sequence[NewSubword],
    banned: Collection[str] = (),
) -> PreTrainedTokenizerBase:
    """A copy of the tokenizer with those of the new subwords that it can use (:func:`extend`)."""
    family = family_of(tokenizer)
    return family.extended(family.complete(new, banned))


def complete_plan(tokenizer: PreTrainedTokenizerBase, plan: MergePlan) -> MergePlan:
    """A plan with all subwords that are added with those of the given one, and without those that
    the tokenizer cannot use.

    Args:
        tokenizer: before the change.
        plan: of subwords that are wanted.
    """
    completed = family_of(tokenizer).complete(plan.new, plan.banned)
    texts = {subword.text for subword in completed}
    wanted = {subword.text for subword in plan.new}
    numbers = {"steps": len(texts - wanted), "unreachable": len(wanted - texts)}
    skipped = dict(plan.skipped)
    for reason, number in numbers.items():
        if number:
            skipped[reason] = number
    return MergePlan(completed, skipped, plan.banned)


def drop_subwords_used_in(
    tokenizer: PreTrainedTokenizerBase, plan: MergePlan, texts: Sequence[str]
) -> MergePlan:
    """Remove from a plan the new subwords that would change how ``texts`` are tokenized.

    Romanized subwords are Latin strings, so they can also change the tokenization of Latin-script
    text. Every new subword that the extended tokenizer uses on ``texts`` is dropped, and this is
    repeated until it uses none on any of them. ``texts`` are then tokenized as by the original
    tokenizer.
    """
    if not texts:
        return plan
    family = family_of(tokenizer)
    banned = set(plan.banned)
    new = [subword for subword in plan.new if subword.text not in banned]
    texts = list(dict.fromkeys(texts))
    waiting = texts
    for number in count(1):  # each round drops subwords, or is the last
        if not waiting:
            break
        say(f"protect native text: tokenize {len(waiting):,} texts, round {number}")
        completed = family.complete(new, banned if family.replaces_dropped else ())
        droppable = {subword.text for subword in (completed if family.replaces_dropped else new)}
        rows = tokenize_ids(family.extended(completed), waiting)
        changed = []
        for text, ids in zip(waiting, rows, strict=True):
            used = {completed[id_ - family.size].text for id_ in ids if id_ >= family.size}
            # a text that uses only what completes others is not changed by these any more
            banned |= (used & droppable) or used
            if not used.isdisjoint(droppable):
                changed.append(text)
        new = [subword for subword in new if subword.text not in banned]
        # what replaces the dropped ones may split the other texts in another way
        all_again = family.replaces_dropped and not changed and waiting is not texts
        waiting = texts if all_again else changed
    dropped = len(banned) - len(plan.banned)
    skipped = {**plan.skipped, "protected": plan.skipped.get("protected", 0) + dropped}
    return MergePlan(tuple(new), skipped, frozenset(banned))


def changed_share(
    before: PreTrainedTokenizerBase, after: PreTrainedTokenizerBase, texts: Sequence[str]
) -> float:
    """Share of texts that two tokenizers split into different subwords, whatever their ids. An
    added subword that replaces an original one (:class:`transliconet.vocab.merge.NewSubword`) is
    another than that.
    """
    old_ids = before.get_vocab()
    first = max(old_ids.values()) + 1
    new_to_old = {}
    for subword, id_ in after.get_vocab().items():
        new_to_old[id_] = old_ids.get(subword, -1) if id_ < first else -1
    changed = 0
    both = zip(tokenize_ids(before, texts), tokenize_ids(after, texts), strict=True)
    for old, new in both:
        changed += old != [new_to_old[id_] for id_ in new]
    return changed / max(len(texts), 1)
