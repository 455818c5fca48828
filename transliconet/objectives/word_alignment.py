"""Token-level alignment: a word and its romanization, in their sentences, are each other's nearest
neighbour.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.batch import INPUT_IDS, WORDS
from transliconet.errors import require_range
from transliconet.model.encoder import EncoderLike
from transliconet.objectives.distributed import mean_weight
from transliconet.objectives.encode import CLEAN, TOKENS, EncodedPairs, Read, Reads
from transliconet.objectives.similarity import products


@dataclass(frozen=True)
class Words:
    """The words of N rows, by row and then by place in it.

    Args:
        token: (T,) positions in the flattened rows of tokens that belong to a word.
        word: (T,) the word each of them belongs to, 0 … W - 1.
        row: (W,) the row of each word.
    """

    token: Tensor
    word: Tensor
    row: Tensor

    @classmethod
    def from_numbers(cls, words: Tensor) -> "Words":
        """From (N, L) word numbers as :data:`transliconet.batch.WORDS` has them."""
        width = words.shape[1] + 1
        row = torch.arange(len(words), device=words.device).unsqueeze(1)
        token = (words >= 0).flatten().nonzero().squeeze(1)
        number, word = torch.unique((row * width + words).flatten()[token], return_inverse=True)
        return cls(token, word, number // width)

    def mean(self, hidden: Tensor) -> Tensor:
        """(N, L, H) states → (W, H): the mean over each word's tokens."""
        states = hidden.flatten(0, 1)[self.token]
        sums = states.new_zeros(len(self.row), states.shape[-1]).index_add(0, self.word, states)
        return sums / torch.bincount(self.word, minlength=len(self.row)).unsqueeze(1).to(sums.dtype)

    def types(self, input_ids: Tensor) -> Tensor:
        """(N, L) token ids → (W,) int64, equal for words of the same tokens (a polynomial hash,
        modulo 2⁶⁴).
        """
        first = torch.full_like(self.row, self.token.numel() and int(self.token.max()) + 1)
        first.scatter_reduce_(0, self.word, self.token, "amin")
        ids, place = input_ids.flatten()[self.token] + 1, self.token - first[self.word]
        powers = torch.full(
            (int(place.max()) + 1 if len(place) else 1,), 6364136223846793005, device=ids.device
        )
        powers[0] = 1
        return torch.zeros_like(self.row).index_add_(0, self.word, ids * powers.cumprod(0)[place])


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

    .. math:: -\frac{1}{2W} \sum_i \log \frac{\exp(\cos(n_i, r_i)/T)}{\sum_{k \in S(i)} \exp(\cos(n_i, r_k)/T)}
              + \log \frac{\exp(\cos(r_i, n_i)/T)}{\sum_{k \in S(i)} \exp(\cos(r_i, n_k)/T)}

    Negatives come from the same sentence: they are the words that a state, which has seen the whole
    sentence, is most easily confused with.

    Args:
        native: (W, H).
        romanized: (W, H), row i the same word.
        row: (W,) int64, the sentence of each.
        types: (W, 2) int64, equal numbers in a column for equal words of a view; None takes all
            words for different.
        temperature: T > 0.

    Returns:
        Scalar, float32; 0 without words.
    """
    require_range("temperature", temperature, above=0)
    if len(native) == 0:
        return (native.float().sum() + romanized.float().sum()) * 0
    n, r = F.normalize(native.float(), dim=-1), F.normalize(romanized.float(), dim=-1)
    own = torch.arange(len(n), device=n.device)
    excluded = row.unsqueeze(0) != row.unsqueeze(1)
    if types is not None:
        alike = (types.unsqueeze(0) == types.unsqueeze(1)).any(-1)
        excluded = excluded | (alike & (own.unsqueeze(0) != own.unsqueeze(1)))
    scores = (products(n, r) / temperature).masked_fill(excluded, float("-inf"))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


@dataclass(frozen=True)
class WordAlignment:
    """:func:`word_alignment_loss` over the states of one layer.

    Words are what spaces part; uroman keeps spaces, so word i of a text and of its romanization are
    the same. Pairs whose views have different numbers of words take no part.

    Args:
        weight: factor in the total loss.
        layer: hidden layer, 0 the embeddings; ``last`` is the top one.
        temperature: T > 0.
    """

    weight: float = 1.0
    layer: int | str = "last"
    temperature: float = 0.1

    def __post_init__(self) -> None:
        require_range("objective.word_alignment.weight", self.weight, least=0)
        require_range("objective.word_alignment.temperature", self.temperature, above=0)

    @property
    def native_share(self) -> float:
        return 1.0

    def reads(self, encoder: EncoderLike) -> Reads:
        return {
            Read(CLEAN, encoder.layer_number(self.layer, "objective.word_alignment.layer"), TOKENS)
        }

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        hidden = encoded.states[Read(CLEAN, encoded.encoder.layer_number(self.layer), TOKENS)]
        ids, words = encoded.batch[INPUT_IDS], encoded.batch[WORDS]
        vectors, types, rows = [], [], []
        for view in (slice(encoded.pairs), slice(encoded.pairs, None)):
            found = Words.from_numbers(words[view])
            vectors.append(found.mean(hidden[view]))
            types.append(found.types(ids[view]))
            rows.append(found.row)
        loss = word_alignment_loss(
            vectors[0], vectors[1], rows[0], torch.stack(types, 1), self.temperature
        )
        return {"words": mean_weight(len(rows[0]), loss.device) * loss}
