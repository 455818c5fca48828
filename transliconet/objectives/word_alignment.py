"""Token-level alignment: a word and its romanization, in their sentences, are each other's nearest
neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.batch import INPUT_IDS
from transliconet.errors import require_range
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.objectives.base import Objective
from transliconet.objectives.distributed import mean_weight
from transliconet.objectives.encode import (
    ALL_TOKENS,
    CLEAN,
    EncodedPairs,
    StateRequest,
    StateRequests,
)
from transliconet.objectives.similarity import inner_products
from transliconet.tokens.fields import BatchField
from transliconet.tokens.words import WORDS, WordNumbers

HASH_BASE = 6364136223846793005
"""Base of the polynomial hash of a word's tokens, an odd number (Knuth's MMIX multiplier)."""


@dataclass(frozen=True)
class Words:
    """The places of the W words of N rows, ordered by row and then by position.

    Args:
        token: (T,) positions in the flattened rows of all tokens that belong to a word.
        word: (T,) the word of each of these tokens, 0 … W - 1.
        row: (W,) the row of each word.
    """

    token: Tensor
    word: Tensor
    row: Tensor

    @classmethod
    def from_numbers(cls, words: Tensor) -> "Words":
        """From (N, L) word numbers as the field :data:`transliconet.tokens.words.WORDS` has
        them.
        """
        # a number for each word of the batch: row · (L + 1) + number in its row
        stride = words.shape[1] + 1
        row = torch.arange(len(words), device=words.device).unsqueeze(1)  # (N, 1)
        in_batch = (row * stride + words).flatten()  # (N·L,)
        token = (words >= 0).flatten().nonzero().squeeze(1)  # (T,)
        distinct, word = torch.unique(in_batch[token], return_inverse=True)  # (W,), (T,)
        return cls(token, word, distinct // stride)

    def mean(self, hidden: Tensor) -> Tensor:
        """(N, L, H) states → (W, H): the mean over each word's tokens."""
        states = hidden.flatten(0, 1)[self.token]  # (T, H)
        sums = states.new_zeros(len(self.row), states.shape[-1]).index_add(0, self.word, states)
        counts = torch.bincount(self.word, minlength=len(self.row)).unsqueeze(1)  # (W, 1)
        return sums / counts.to(sums.dtype)

    def types(self, input_ids: Tensor) -> Tensor:
        """(N, L) token ids → (W,) int64 hashes, equal for words with the same tokens.

        The hash is :math:`\\sum_j (t_j + 1) b^j` modulo 2⁶⁴ over the tokens :math:`t_j` of a word.
        """
        beyond = int(self.token.max()) + 1 if self.token.numel() else 0
        first = torch.full_like(self.row, beyond)  # (W,) position of each word's first token
        first.scatter_reduce_(0, self.word, self.token, "amin")
        position = self.token - first[self.word]  # (T,) of each token in its word
        longest = int(position.max()) + 1 if len(position) else 1
        powers = torch.full((longest,), HASH_BASE, device=input_ids.device)
        powers[0] = 1
        powers = powers.cumprod(0)  # (longest,) b⁰, b¹, …
        ids = input_ids.flatten()[self.token] + 1  # (T,)
        return torch.zeros_like(self.row).index_add_(0, self.word, ids * powers[position])


def word_alignment_loss(
    native: Tensor,
    romanized: Tensor,
    row: Tensor,
    types: Tensor | None = None,
    temperature: float = 0.1,
) -> Tensor:
    r"""Symmetric InfoNCE between the words of a sentence and those of its romanization, by cosine.

    With :math:`n_i, r_i` the vectors of word i in the two views, and :math:`S(i)` the words of its
    sentence without those that are spelled like it in either view,

    .. math::
        -\frac{1}{2W} \sum_i
        \log \frac{\exp(\cos(n_i, r_i)/T)}{\sum_{k \in S(i)} \exp(\cos(n_i, r_k)/T)}
        + \log \frac{\exp(\cos(r_i, n_i)/T)}{\sum_{k \in S(i)} \exp(\cos(r_i, n_k)/T)}

    Negatives come from the same sentence: they are the words that a state, which has seen the whole
    sentence, is most easily confused with.

    Args:
        native: (W, H).
        romanized: (W, H), row i the same word.
        row: (W,) int64, the sentence of each word.
        types: (W, 2) int64, a column a view, with equal numbers for equal words; None: all words
            count as different.
        temperature: T > 0.

    Returns:
        Scalar, float32; 0 without words.
    """
    require_range("temperature", temperature, above=0)
    if len(native) == 0:
        # part of the graph, so that every process has the same parameters in the backward pass
        return (native.float().sum() + romanized.float().sum()) * 0
    native = F.normalize(native.float(), dim=-1)
    romanized = F.normalize(romanized.float(), dim=-1)
    own = torch.arange(len(native), device=native.device)
    excluded = row.unsqueeze(0) != row.unsqueeze(1)  # (W, W) words of other sentences
    if types is not None:
        same_spelling = (types.unsqueeze(0) == types.unsqueeze(1)).any(-1)  # (W, W)
        excluded = excluded | (same_spelling & (own.unsqueeze(0) != own.unsqueeze(1)))
    scores = inner_products(native, romanized) / temperature  # (W, W)
    scores = scores.masked_fill(excluded, float("-inf"))
    to_romanized = F.cross_entropy(scores, own)
    to_native = F.cross_entropy(scores.T, own)
    return (to_romanized + to_native) / 2


@dataclass(frozen=True)
class WordAlignment(Objective):
    """:func:`word_alignment_loss` over the states of one layer.

    Words are what spaces separate. uroman keeps spaces, so word i of a text and of its romanization
    are the same. Pairs whose views have different numbers of words take no part.

    Args:
        weight: factor in the total loss.
        layer: hidden layer, 0 the embeddings, ``last`` the top.
        temperature: T > 0.
    """

    weight: float = 1.0
    layer: int | str = "last"
    temperature: float = 0.1

    def __post_init__(self) -> None:
        require_range("weight", self.weight, least=0)
        require_range("temperature", self.temperature, above=0)

    def reads(self, encoder: EncoderLike) -> StateRequests:
        return {self._request(encoder)}

    def _request(self, encoder: EncoderLike) -> StateRequest:
        return StateRequest(CLEAN, encoder.layer_number(self.layer), ALL_TOKENS)

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        return [WordNumbers()]

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        hidden = encoded.states[self._request(encoded.encoder)]  # (2B, L, H)
        input_ids, numbers = encoded.batch[INPUT_IDS], encoded.batch[WORDS]  # (2B, L)
        vectors, types = [], []
        for view in (slice(encoded.pairs), slice(encoded.pairs, None)):
            words = Words.from_numbers(numbers[view])
            vectors.append(words.mean(hidden[view]))  # (W, H)
            types.append(words.types(input_ids[view]))  # (W,)
        # both views have the same words, in the same rows
        native, romanized = vectors
        loss = word_alignment_loss(
            native,
            romanized,
            words.row,
            types=torch.stack(types, 1),
            temperature=self.temperature,
        )
        return {"words": mean_weight(len(words.row), loss.device) * loss}
