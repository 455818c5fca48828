"""What all families of tokenizers have in common."""

import copy
import json
import math
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from transliconet.tokens.marks import WORD_START, WordMarks
from transliconet.vocab.merge import NewSubword

State = dict[str, Any]
"""The content of ``tokenizer.json``."""
REPLACED = "original "
"""Prefix of an original subword that a new one replaces: with its space, it occurs in no word."""


class TokenizerFamily:
    """The vocabulary of one tokenizer; :func:`transliconet.vocab.families.choose.family_of` makes
    it.

    Subwords are in plain form (:data:`transliconet.tokens.marks.WORD_START`), except where it says
    otherwise.

    Args:
        tokenizer: a fast one. It is not changed.

    Raises:
        CheckpointError: its subwords do not say where words begin.
    """

    kind: ClassVar[str]
    """Type of the model in ``tokenizer.json``."""
    replaces_dropped: ClassVar[bool] = False
    """Whether :meth:`complete` may add other subwords in place of banned ones. Otherwise dropping
    new subwords changes no text that uses none of them.
    """

    has_probabilities: ClassVar[bool] = False
    """Whether the scores of :meth:`vocabulary` are log probabilities."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.marks = WordMarks.from_tokenizer(tokenizer)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Subword, as the tokenizer writes it → id."""
        return dict(self.tokenizer.get_vocab())

    @cached_property
    def size(self) -> int:
        """The id that the first new subword gets."""
        return max(self.ids.values()) + 1

    @cached_property
    def splits_punctuation(self) -> bool:
        """Whether no subword has letters and punctuation in it."""
        pre_tokenizer = self.tokenizer.backend_tokenizer.pre_tokenizer
        return pre_tokenizer is not None and len(pre_tokenizer.pre_tokenize_str("a,")) > 1

    def state(self) -> State:
        """A copy of the content of ``tokenizer.json``, whose model has all added tokens.

        Otherwise new subwords would get the ids of added tokens beyond the model's vocabulary.
        """
        state = json.loads(self.tokenizer.backend_tokenizer.to_str())
        for token in sorted(state["added_tokens"], key=lambda token: token["id"]):
            self._take_in(state["model"], token["content"], token["id"])
        return state

    def vocabulary(self) -> list[tuple[str, float]]:
        """(Subword, score) by id. A higher score means that the subword is more frequent.

        A subword that stands for no whole number of characters, and one that an id does not have,
        are empty strings.
        """
        scores = self._scores()
        entries = [("", min(scores.values()))] * self.size
        for subword, id_ in self.ids.items():
            entries[id_] = (self.marks.plain(subword), scores[id_])
        return entries

    def frequency(self, score: float) -> float:
        """How frequent a subword is, from its score, up to a constant factor. Where scores are
        ranks, by Zipf's law.
        """
        return math.exp(score) if self.has_probabilities else 1 / (1 - score)

    def complete(
        self, new: Sequence[NewSubword], banned: Collection[str] = ()
    ) -> tuple[NewSubword, ...]:
        """What must be added so that the tokenizer can use new subwords.

        Args:
            new: subwords that are wanted, or that were completed before.
            banned: subwords that must not be added.

        Returns:
            Those that the tokenizer can use, in an order in which they can be added; with a BPE
            tokenizer also the shorter subwords of which they are merged.
        """
        can_be_added = []
        for subword in new:
            known = subword.replaces is None and self.marks.own(subword.text) in self.ids
            if not known and subword.text not in banned and self._stays_whole(subword.text):
                can_be_added.append(subword)
        return tuple(can_be_added)

    def extended(self, new: Sequence[NewSubword]) -> PreTrainedTokenizerBase:
        """A copy of the tokenizer with completed subwords, whose ids begin at :attr:`size`."""
        state = self.state()
        self._add(state["model"], new)
        return self._with_state(state)

    def needed(self, kept: Collection[int]) -> set[int]:
        """The ids that must be kept so that the tokenizer uses those of ``kept`` as before.

        Special tokens, and the unknown token, are among them.
        """
        state = self.state()
        needed = {*kept, *self.tokenizer.all_special_ids}
        unknown = state["model"].get("unk_token")
        if unknown in self.ids:
            needed.add(self.ids[unknown])
        for processor in _post_processors(state):
            for token in processor.get("special_tokens", {}).values():
                needed.update(token["ids"])
        return needed

    def reduced(self, order: Sequence[int]) -> PreTrainedTokenizerBase:
        """A copy of the tokenizer with the subwords of some ids, which are numbered anew by their
        order.
        """
        state = self.state()
        new_ids = {old: new for new, old in enumerate(order)}
        self._keep(state["model"], new_ids)
        added, state["added_tokens"] = state["added_tokens"], []
        for token in added:
            if token["id"] in new_ids:
                state["added_tokens"].append({**token, "id": new_ids[token["id"]]})
        for processor in _post_processors(state):
            for token in processor.get("special_tokens", {}).values():
                token["ids"] = [new_ids[id_] for id_ in token["ids"]]
            for name in {"cls", "sep"} & processor.keys():
                subword, id_ = processor[name]
                processor[name] = [subword, new_ids[id_]]
        return self._with_state(state)

    def _with_state(self, state: State) -> PreTrainedTokenizerBase:
        """A copy of the tokenizer with another state; all other settings stay."""
        changed = copy.copy(self.tokenizer)
        changed.init_kwargs = copy.deepcopy(self.tokenizer.init_kwargs)
        changed._tokenizer = Tokenizer.from_str(json.dumps(state))
        return changed

    def _stays_whole(self, subword: str) -> bool:
        """Whether normalization and pre-tokenization leave a subword in one part."""
        backend = self.tokenizer.backend_tokenizer
        text = subword.replace(WORD_START, " ")
        if backend.normalizer is not None:
            text = backend.normalizer.normalize_str(text)
        parts = [text]
        if backend.pre_tokenizer is not None:
            parts = [part for part, _ in backend.pre_tokenizer.pre_tokenize_str(text)]
        own = self.marks.own(subword)
        if self.marks.continuation:
            own = own.removeprefix(self.marks.continuation)
        return any(own in part for part in parts)

    def _scores(self) -> Mapping[int, float]:
        """Id → score. Where a tokenizer has none, lower ids count as more frequent."""
        return {id_: -float(id_) for id_ in self.ids.values()}

    def _take_in(self, model: State, token: str, id_: int) -> None:
        """Give a model an added token, if it does not have it."""
        model["vocab"][token] = id_

    def _add(self, model: State, new: Sequence[NewSubword]) -> None:
        """Add completed subwords to a model."""
        for id_, subword in enumerate(new, self.size):
            own = self.marks.own(subword.text)
            if subword.replaces is not None:
                model["vocab"][REPLACED + own] = subword.replaces
            model["vocab"][own] = id_

    def _keep(self, model: State, new_ids: Mapping[int, int]) -> None:
        """Reduce a model to some ids: old → new."""
        kept = {}
        for subword, id_ in model["vocab"].items():
            if id_ in new_ids:
                kept[subword] = new_ids[id_]
        model["vocab"] = kept


def _post_processors(state: State) -> list[State]:
    """The post-processors of a state, one by one."""
    whole = state.get("post_processor")
    if whole is None:
        return []
    return whole.get("processors", [whole])
