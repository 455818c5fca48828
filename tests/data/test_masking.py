"""Masking statistics, each within five standard deviations of what the options say."""

import pytest
import torch

from tests.settings import raises
from transliconet.batch import IGNORE
from transliconet.data.masking import Masking, mask_tokens
from transliconet.tokens.padding import Vocabulary

MASK = 4
ORDINARY = torch.arange(5, 1005)
VOCABULARY = Vocabulary(1, MASK, torch.arange(5), ORDINARY)


def masked(
    masking: Masking, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    ids = torch.randint(5, 1005, (400, 250), generator=torch.Generator().manual_seed(9))
    content = torch.ones_like(ids, dtype=torch.bool)
    content[:, 0] = content[:, -1] = False
    new, labels = mask_tokens(
        ids, content, VOCABULARY, masking, torch.Generator().manual_seed(seed)
    )
    return ids, content, new, labels


def within(count: int, of: int, share: float) -> bool:
    return abs(count - of * share) <= 5 * (of * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("masking", [Masking(), Masking(0.3, 0.5, 0.25)])
def test_shares(masking: Masking) -> None:
    ids, content, new, labels = masked(masking)
    chosen = labels != IGNORE
    assert within(int(chosen.sum()), int(content.sum()), masking.probability)
    number = int(chosen.sum())
    replaced = chosen & (new != ids)
    assert within(int((new[chosen] == MASK).sum()), number, masking.mask_share)
    # A random replacement may draw the token itself, once in a thousand.
    kept = 1 - masking.mask_share - masking.random_share * (1 - 1 / len(ORDINARY))
    assert within(int((chosen & ~replaced).sum()), number, kept)


def test_only_content_is_chosen_and_the_rest_is_unchanged() -> None:
    ids, content, new, labels = masked(Masking(probability=1.0))
    chosen = labels != IGNORE
    assert torch.equal(chosen, content)
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(new[~content], ids[~content])


def test_random_replacements_are_ordinary_tokens_and_cover_them() -> None:
    *_, new, _ = masked(Masking(1.0, 0.0, 1.0))
    assert set(new[:, 1:-1].unique().tolist()) == set(ORDINARY.tolist())


def test_the_generator_decides() -> None:
    first, again, other = masked(Masking(), 1), masked(Masking(), 1), masked(Masking(), 2)
    assert torch.equal(first[2], again[2])
    assert not torch.equal(first[2], other[2])


def test_probability_zero_hides_nothing() -> None:
    ids, _, new, labels = masked(Masking(probability=0.0))
    assert torch.equal(ids, new)
    assert (labels == IGNORE).all()


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ((1.5, 0.8, 0.1), "TLN-CONFIG-002"),
        ((0.15, -0.1, 0.1), "TLN-CONFIG-002"),
        ((0.15, 0.8, 0.3), "TLN-CONFIG-322"),
    ],
)
def test_impossible_shares(shares: tuple, code: str) -> None:
    with raises(code):
        Masking(*shares)
