"""BPE: neighbouring subwords of a word are merged, in the order of a list of pairs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, count

from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError
from transliconet.tokens.marks import BYTE_OF
from transliconet.vocab.families.base import State, TokenizerFamily
from transliconet.vocab.families.merges import AddedMerges, last_merge
from transliconet.vocab.merge import NewSubword

BYTES = frozenset(f"<0x{byte:02X}>" for byte in range(256))
"""Tokens of a tokenizer that falls back to bytes, such as Gemma's."""


class BPE(TokenizerFamily):
    """A BPE tokenizer: Gemma's (mmBERT), Llama's (EuroBERT), and byte-level ones (RoBERTa's).

    New merges go to the end of the list. They are tried when no original merge is left, so that a
    text is first tokenized as before; only where two neighbouring subwords of the result are one of
    the new pairs, they are merged. Text without such neighbours keeps its tokenization.

    A new subword of more than two original ones takes several merges, whose results are new
    subwords too. It is not added where one of them is original or banned: an original subword that
    comes up in a new place could be merged further by original merges.

    It has no scores. Vocabularies are sorted by frequency, so that lower ids count as more
    frequent.
    """

    kind = "BPE"
    replaces_dropped = True

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(tokenizer)
        model = tokenizer.backend_tokenizer.model
        if model.dropout:
            raise CheckpointError(
                tokenizer.name_or_path,
                "its BPE leaves out merges at random (dropout)",
                "Set dropout to null in tokenizer.json",
                code="TLN-CKPT-704",
            )
        if model.continuing_subword_prefix or model.end_of_word_suffix:
            raise CheckpointError(
                tokenizer.name_or_path,
                "its BPE marks the inside or the end of words, not their beginning",
                "Leave its vocabulary as it is",
                code="TLN-CKPT-705",
            )

    @cached_property
    def ranks(self) -> dict[tuple[str, str], int]:
        """Pair of subwords, as the tokenizer writes them → position in its list of merges."""
        merges = map(tuple, self.state()["model"]["merges"])
        return dict(zip(merges, count(), strict=False))

    def complete(
        self, new: Sequence[NewSubword], banned: Collection[str] = ()
    ) -> tuple[NewSubword, ...]:
        merges = AddedMerges(self.ids, {self.marks.own(text) for text in banned})
        possible = super().complete(new, banned)
        replacing = [subword for subword in possible if subword.replaces is not None]
        added = [subword for subword in possible if subword.replaces is None]
        wanted = {self.marks.own(subword.text): subword for subword in added}
        model = self.tokenizer.backend_tokenizer.model
        for own, subword in wanted.items():
            parts = list(chain.from_iterable(subword.merges))
            if parts and all(map(merges.is_known, parts)):
                merges.repeat(subword.merges)
            elif own not in merges.added:
                merges.reach(own, [token.value for token in model.tokenize(own)])
        completed = []
        for own, pairs in merges.added.items():
            step = NewSubword(self.marks.plain(own), 0.0, merges.original_ids(own))
            subword = wanted.get(own, step)
            completed.append(replace(subword, merges=pairs))
        # the merges of a subword that is replaced are there
        return (*completed, *replacing)

    def needed(self, kept: Collection[int]) -> set[int]:
        """See the base class. These are all steps of the merges, and what stands for bytes."""
        needed = super().needed(kept)
        subwords = {id_: subword for subword, id_ in self.ids.items()}
        bytes_ = BYTE_OF.keys() if self.marks.byte_level else BYTES
        needed.update(self.ids[byte] for byte in bytes_ & self.ids.keys())
        waiting = [subwords[id_] for id_ in needed]
        while waiting:
            for part in last_merge(waiting.pop(), self.ranks):
                if part in self.ids and self.ids[part] not in needed:
                    needed.add(self.ids[part])
                    waiting.append(part)
        return needed

    def _add(self, model: State, new: Sequence[NewSubword]) -> None:
        super()._add(model, new)
        for subword in new:
            model["merges"] += map(list, subword.merges)

    def _keep(self, model: State, new_ids: Mapping[int, int]) -> None:
        super()._keep(model, new_ids)
        kept = model["vocab"]
        merges = []
        for left, right in model["merges"]:
            if left in kept and right in kept and left + right in kept:
                merges.append([left, right])
        model["merges"] = merges
