"""Weights of new subwords over old rows, learned by skip-gram: constrained word2vec."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.errors import require_range


def skip_gram_loss(centre: Tensor, context: Tensor, negatives: Tensor) -> Tensor:
    r"""Skip-gram with negative sampling (Mikolov et al., 2013, arXiv 1310.4546, equation 4).

    .. math:: -\frac{1}{B} \sum_{b=1}^{B} \left[ \log \sigma(u_b \cdot v_b) +
        \sum_{k=1}^{K} \log \sigma(-u_b \cdot n_{bk}) \right]

    Args:
        centre: (B, E), u.
        context: (B, E), v: of a token near that of the same row.
        negatives: (B, K, E), n: of tokens drawn at random.

    Returns:
        Scalar.

    >>> zero = torch.zeros(1, 2)
    >>> round(skip_gram_loss(zero, zero, zero.unsqueeze(1)).item(), 4)  # 2 log 2
    1.3863
    """
    near = (centre * context).sum(-1)  # (B,)
    far = torch.einsum("be,bke->bk", centre, negatives)  # (B, K)
    return -(F.logsigmoid(near) + F.logsigmoid(-far).sum(-1)).mean()


@dataclass(frozen=True)
class ConvexWeights:
    r"""Learns for each new subword a point in the convex hull of old rows (constrained word2vec,
    CW2V; Mundra et al., 2024, arXiv 2407.05841, section 4).

    .. math:: e_n = \sum_v \mathrm{softmax}_v(a_n) \, e_v

    The logits :math:`a` alone are trained, by :func:`skip_gram_loss` over the corpus as the new
    tokenizer splits it; at first all weights are equal. Old rows stay as they are.

    Args:
        steps: of Adam.
        batch: B, pairs of tokens a step.
        negatives: K, tokens drawn for each pair.
        window: tokens on each side that count as a token's context.
        lr: learning rate of the logits.
        seed: of what is drawn.
    """

    steps: int = 200
    batch: int = 1024
    negatives: int = 5
    window: int = 5
    lr: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "negatives", "window"):
            require_range(name, getattr(self, name), least=1)

    def __call__(self, rows: Sequence[Sequence[int]], old: np.ndarray, number: int) -> np.ndarray:
        """Learn the weights.

        Args:
            rows: texts as numbers of tokens: 0 … C - 1 for old ones, C … C + N - 1 for new ones.
            old: (C, E) rows of the old tokens.
            number: N, of new subwords.

        Returns:
            (N, C).
        """
        generator = torch.Generator().manual_seed(self.seed)
        fixed = torch.from_numpy(old).float()  # (C, E)
        fixed = fixed / fixed.norm(dim=1).mean()  # so that dot products have the size of logits
        logits = torch.zeros(number, len(fixed), requires_grad=True)  # (N, C)
        optimizer = torch.optim.Adam([logits], lr=self.lr)
        tokens, text = _flatten(rows)
        for _ in range(self.steps):
            table = torch.cat([fixed, logits.softmax(-1) @ fixed])  # (C + N, E)
            place = torch.randint(len(tokens), (self.batch,), generator=generator)  # (B,)
            distance = torch.randint(1, self.window + 1, (self.batch,), generator=generator)
            other = (place + distance).clamp(max=len(tokens) - 1)
            together = (text[place] == text[other]) & (place != other)
            place, other = place[together], other[together]  # (B',)
            drawn = torch.randint(
                len(tokens), (len(place), self.negatives), generator=generator
            )  # (B', K), by frequency
            loss = skip_gram_loss(table[tokens[place]], table[tokens[other]], table[tokens[drawn]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return logits.detach().softmax(-1).numpy()


def _flatten(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """The tokens of all texts, (T,), and the number of the text of each, (T,)."""
    lengths = torch.tensor(list(map(len, rows)))
    tokens = torch.tensor(list(chain.from_iterable(rows)))
    return tokens, torch.repeat_interleave(torch.arange(len(rows)), lengths)
