"""Which tokens of a batch are masked as a whole, and how likely: words, spans of a tagger, and rare
words.

Without a tagger, rare words stand in for the entities, nouns and verbs that it would find. The
weight of a unit is the mean surprisal of its tokens by their frequencies in the training text,

.. math:: w_u = -\\frac{1}{|u|} \\sum_{t \\in u} \\log \\frac{c_t + 1}{\\sum_{v \\in V} (c_v + 1)}

so that function words are seldom predicted. The sum in its place would favour long words, whose
tokens are frequent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from transliconet.data.masking import RARE, TOKEN, Masking, Units
from transliconet.tokens.fields import TrainingTokens
from transliconet.tokens.tokenize import TokenizedPairs
from transliconet.tokens.words import WordBoundaries

SpansOfPairs = Mapping[int, np.ndarray]
"""Position of a training pair → (W,) span of each word of its text, -1 outside of all."""
MakeUnits = Callable[[np.ndarray, np.ndarray | None], Units]
"""From (N, L) token ids, and the pair whose text each row is, to the units of the rows."""


def token_surprisals(parts: Sequence[TokenizedPairs], vocabulary: int) -> np.ndarray:
    """:math:`-\\log` of each token's frequency in both views, counted once more than it occurs.

    Args:
        parts: the tokenized training pairs.
        vocabulary: number of tokens, V.

    Returns:
        (V,) float64.
    """
    counts = np.ones(vocabulary)
    for part in parts:
        for view in (part.native, part.romanized):
            counts += view.counts(vocabulary)
    return np.log(counts.sum()) - np.log(counts)


@dataclass(frozen=True)
class MaskingUnits:
    """Makes the :class:`Units` of a batch.

    Args:
        boundaries: of the tokenizer.
        single_tokens: whether each token is a unit, rather than each word.
        spans: only tokens in these are predicted, and each span is one word; a row whose words are
            not those of the text, as where its romanization has others, is masked like text
            without spans. None: tokens anywhere are predicted.
        surprisals: (V,) of each token; None: all units have the same weight.
        prompt_words: number of words that every row begins with, and that no span counts.
    """

    boundaries: WordBoundaries
    single_tokens: bool = False
    spans: SpansOfPairs | None = None
    surprisals: np.ndarray | None = None
    prompt_words: int = 0

    def __call__(self, input_ids: np.ndarray, pairs: np.ndarray | None = None) -> Units:
        """The units of N rows.

        Args:
            input_ids: (N, L) int64, special tokens and padding included.
            pairs: (N,) the training pair of which each row is a view; None: other text, which has
                no spans.
        """
        numbers = np.empty(input_ids.shape, np.int64)
        weights = np.ones(input_ids.shape)
        for i, row in enumerate(input_ids):
            numbers[i] = self._numbers(row, None if pairs is None else int(pairs[i]))
            if self.surprisals is not None:
                weights[i] = self._weights(row, numbers[i])
        return Units(torch.from_numpy(numbers), torch.from_numpy(weights))

    def _numbers(self, row: np.ndarray, pair: int | None) -> np.ndarray:
        """(L,) ids of a row → (L,) the unit of each token, -1 in none."""
        words = self.boundaries.number(row)  # (L,)
        units = words
        spans = None if self.spans is None or pair is None else self.spans.get(pair)
        if spans is not None and words.max(initial=-1) + 1 == self.prompt_words + len(spans):
            # the special tokens' -1 takes the last entry
            outside = np.full(self.prompt_words, -1)
            units = np.concatenate([outside, spans, [-1]])[words]
        if self.single_tokens:
            return np.where(units >= 0, np.arange(len(row)), -1)
        return units

    def _weights(self, row: np.ndarray, units: np.ndarray) -> np.ndarray:
        """(L,) the weight of each token's unit."""
        assert self.surprisals is not None
        in_unit = units >= 0
        sums = np.bincount(units[in_unit], weights=self.surprisals[row[in_unit]], minlength=1)
        means = sums / np.maximum(np.bincount(units[in_unit], minlength=1), 1)
        return np.where(in_unit, means[units], 1.0)


def masking_units(
    masking: Masking, tokens: TrainingTokens, spans: SpansOfPairs | None, prompt: str = ""
) -> MakeUnits | None:
    """Prepare what makes the units of each batch.

    Args:
        masking: says what the units are.
        tokens: the training text.
        spans: of the training text, where ``masking`` names a file of them.
        prompt: what every row begins with.

    Returns:
        A function of the rows of a batch; None where units are single tokens of equal weight.

    Raises:
        CheckpointError: the subwords of the tokenizer do not say where words begin.
    """
    if masking.unit == TOKEN and masking.spans is None:
        return None
    boundaries = WordBoundaries.from_tokenizer(tokens.tokenizer)
    surprisals = None
    if masking.spans == RARE:
        surprisals = token_surprisals(tokens.parts, len(boundaries.starts_word))
    return MaskingUnits(
        boundaries,
        single_tokens=masking.unit == TOKEN,
        spans=spans,
        surprisals=surprisals,
        prompt_words=boundaries.count(tokens.tokenizer, prompt),
    )
