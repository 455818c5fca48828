"""Subwords learned from a corpus, with the embedding rows that the field begins them with."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.tiny import unigram_subwords
from transliconet.model.vocabulary import vocabulary_parameters
from transliconet.tokens.marks import WORD_START
from transliconet.vocab.apply import (
    add_subwords,
    complete_plan,
    drop_subwords_used_in,
    extend,
    tokenize_ids,
)
from transliconet.vocab.base import VocabularyChange, VocabularyInputs
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.initial_rows import INITIALIZATIONS, ExternalVectors, NewSubwords
from transliconet.vocab.merge import MergePlan, NewSubword
from transliconet.vocab.row_weights import factorize, random_rows
from transliconet.vocab.whole_words import count_words

NATIVE, ROMANIZED, BOTH = "native", "romanized", "both"
SUBWORDS, MEAN, RANDOM = "subwords", "mean", "random"
"""Initializations that are no weights: the mean of the old subwords of each new one, the mean of
all rows, rows drawn at random.
"""
CHOICES = (*INITIALIZATIONS, SUBWORDS, MEAN, RANDOM)
LONGEST = 16
"""Most characters of a learned subword."""


@dataclass(frozen=True)
class CorpusSubwords:
    """Trains a Unigram tokenizer on the pairs, and adds its subwords to a vocabulary.

    Args:
        init: the rows that they begin with, one of :data:`CHOICES`
            (:mod:`transliconet.vocab.initial_rows`).
        view: text that subwords are learned from: ``romanized``, ``native`` or ``both``.
        size: number of subwords of the trained tokenizer. Those that are new are added.
        min_count: fewest uses of a new subword in this text. Single characters are always added.
        languages: tags of the pairs to learn from; None takes all.
        rank: makes new rows from the best approximation of this rank of the old embedding matrix
            (:func:`transliconet.vocab.row_weights.factorize`), which OFA proposes. None: from the
            matrix itself.
        vectors: word vectors, for ``ofa`` and ``wechsel``.
        seed: of ``random`` and ``convex``.
    """

    init: str = "aligned"
    view: str = ROMANIZED
    size: int = 8000
    min_count: int = 2
    languages: Collection[str] | None = None
    rank: int | None = None
    vectors: ExternalVectors = field(default_factory=ExternalVectors)
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("init", self.init, CHOICES)
        require_choice("view", self.view, (ROMANIZED, NATIVE, BOTH))
        require_range("size", self.size, least=1)
        require_range("min_count", self.min_count, least=1)

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """The extended encoder, and counts of subwords.

        Raises:
            ConfigError: there are no pairs, a language is not in them, native text that is learned
                from is protected, or word vectors are missing.
            DataError: word vectors cannot be read.
        """
        original = encoder.tokenizer
        texts = self._texts(encoder.prompt, inputs)
        plan = self.plan(original, inputs, texts)
        first = family_of(original).size
        table = vocabulary_parameters(encoder.masked_lm)[0].data[:first]
        extended = extend(encoder, plan.new, plan.banned)
        new = NewSubwords(
            original=original,
            extended=extended.tokenizer,
            first=first,
            texts=texts,
            aligned=self._aligned(inputs),
            rows=table.numpy(),
            vectors=self.vectors,
            seed=self.seed,
        )
        set_apart = self._write_rows(extended, new)
        counts = {"added": new.number, f"rows by {self.init}": set_apart, **plan.skipped}
        return VocabularyChange(extended, counts)

    def plan(
        self, original: PreTrainedTokenizerBase, inputs: VocabularyInputs, texts: Sequence[str]
    ) -> MergePlan:
        """The subwords that :meth:`__call__` adds: those of the trained tokenizer that the old one
        lacks, that protected text does not use, and that the learned text uses.

        Args:
            original: tokenizer before the change.
            inputs: with the protected texts.
            texts: to learn from.
        """
        family = family_of(original)
        vocabulary = family.vocabulary()
        known = {subword for subword, _ in vocabulary}
        # the score of unknown characters is derived from the lowest one, which must not change
        lowest = min(score for _, score in vocabulary)
        learned = unigram_subwords(texts, self.size, LONGEST)
        learned = [(subword, score) for subword, score in learned if subword not in known]
        bare = [subword.removeprefix(WORD_START) for subword, _ in learned]
        own = tokenize_ids(original, list(map(family.marks.within_text, bare)))
        ignored = {original.convert_tokens_to_ids(WORD_START)}
        new = []
        for (subword, score), ids in zip(learned, own, strict=True):
            sources = [id_ for id_ in ids if id_ not in ignored] or list(ids)
            if subword != WORD_START and sources:
                new.append(NewSubword(subword, max(score, lowest), tuple(sources)))
        plan = drop_subwords_used_in(original, MergePlan(tuple(new), {}), inputs.protected)
        used = self._uses(original, plan, texts)
        kept = []
        for candidate in plan.new:
            character = len(candidate.text.removeprefix(WORD_START)) == 1
            if character or used[candidate.text] >= self.min_count:
                kept.append(candidate)
        skipped = {**plan.skipped, "unused": len(plan.new) - len(kept)}
        return complete_plan(original, MergePlan(tuple(kept), skipped, plan.banned))

    def _uses(
        self, original: PreTrainedTokenizerBase, plan: MergePlan, texts: Sequence[str]
    ) -> Counter[str]:
        """New subword, in plain form → occurrences in the texts."""
        family = family_of(original)
        extended = add_subwords(original, plan.new, plan.banned)
        uses: Counter[int] = Counter()
        for ids in tokenize_ids(extended, texts):
            uses.update(id_ for id_ in ids if id_ >= family.size)
        tokens = extended.convert_ids_to_tokens(list(uses))
        return Counter(dict(zip(map(family.marks.plain, tokens), uses.values(), strict=True)))

    def _texts(self, prompt: str, inputs: VocabularyInputs) -> list[str]:
        """The texts to learn from.

        Raises:
            ConfigError: there are none, or native ones are protected.
        """
        native: list[str] = []
        romanized: list[str] = []
        for tag in inputs.tags(self.languages):
            native += inputs.native[tag]
            romanized += inputs.romanized[tag]
        learned = {ROMANIZED: romanized, NATIVE: native, BOTH: native + romanized}[self.view]
        if not learned:
            raise ConfigError(
                "pairs=null",
                "no text to learn subwords from",
                "Add pairs=FOLDER",
                code="TLN-CONFIG-709",
            )
        protected = set(inputs.protected)
        if self.view != ROMANIZED and any(prompt + text in protected for text in native):
            raise ConfigError(
                Option("view", self.view),
                "the tokenization of native text that subwords are learned from is protected",
                "Choose method.languages, and protect other ones, as in protect=[eng_Latn]",
                code="TLN-CONFIG-711",
            )
        return learned

    def _aligned(self, inputs: VocabularyInputs) -> Counter[tuple[str, str]]:
        """(word of the learned view, word of the other view) → occurrences."""
        tags = inputs.tags(self.languages)
        words = count_words(inputs.text_pairs(tags))
        aligned: Counter[tuple[str, str]] = Counter()
        for (native, romanized), number in words.items():
            if self.view != ROMANIZED:
                aligned[native, romanized] += number
            if self.view != NATIVE:
                aligned[romanized, native] += number
        return aligned

    def _write_rows(self, encoder: Encoder, new: NewSubwords) -> int:
        """Give new subwords their first rows, and entries of the head.

        Returns:
            The number of rows that are not the mean of a subword's own old ones.
        """
        parameters = vocabulary_parameters(encoder.masked_lm)
        if self.init in (MEAN, RANDOM):
            rng = np.random.default_rng(self.seed)
            for parameter in parameters:
                old = parameter.data[: new.first].numpy()
                if self.init == RANDOM:
                    rows = random_rows(old, new.number, rng)
                else:
                    rows = np.broadcast_to(old.mean(axis=0), (new.number, *old.shape[1:]))
                _set(parameter, np.arange(new.number) + new.first, rows)
            return new.number
        if self.init == SUBWORDS:
            return 0
        weights = INITIALIZATIONS[self.init](new)  # (N, V)
        known = np.flatnonzero(np.asarray(weights.sum(axis=1)).ravel())
        for parameter in parameters:
            old = parameter.data[: new.first].numpy()  # (V, E), or (V,) of a bias
            if self.rank is not None and old.ndim == 2:
                coordinates, primitive = factorize(old, self.rank)
                old = coordinates @ primitive
            _set(parameter, known + new.first, weights[known] @ old)
        return len(known)


def _set(parameter: torch.nn.Parameter, ids: np.ndarray, rows: np.ndarray) -> None:
    parameter.data[torch.from_numpy(ids)] = torch.from_numpy(rows.astype(np.float32))
