"""Distillation: equal encoders have loss 0, shrunk ones come nearer to the full one by training."""

import doctest
from pathlib import Path

import numpy as np
import pytest
import torch

import transliconet.objectives.distillation as module
from tests.model.test_shapes import make_encoder
from tests.settings import raises
from transliconet.batch import ATTENTION_MASK, CONTENT_MASK, INPUT_IDS, PAIR_INDEX
from transliconet.model.encoder import Encoder
from transliconet.objectives.base import batch_needs, combine, state_requests
from transliconet.objectives.distillation import Distillation, hidden_state_loss
from transliconet.objectives.encode import encode
from transliconet.runs.hf_folder import export_encoder
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.shrink import Shrink
from transliconet.vocab.trim import Trim

TEXTS = ["Москва", "и", "Москва и", "и и", "Moskva", "i", "Moskva i", "i i"]


def test_the_examples() -> None:
    assert doctest.testmod(module).failed == 0


def test_the_loss_is_the_mean_over_tokens_and_layers() -> None:
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(2, 2, 3, 4, 5))  # (K, R, L, H) each
    lengths = [4, 1, 2]
    total, number = 0.0, 0
    for layer in range(2):
        for row, length in enumerate(lengths):
            for token in range(length):
                for place in range(5):
                    gap = student[layer, row, token, place] - teacher[layer, row, token, place]
                    total, number = total + gap**2, number + 1
    mask = torch.arange(4) < torch.tensor(lengths).unsqueeze(1)
    found = hidden_state_loss([*torch.tensor(student)], [*torch.tensor(teacher)], mask)
    assert found.item() == pytest.approx(total / number, rel=1e-6)
    assert total / number > 1


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_encoder(
        make_encoder("xlm-roberta"), tmp_path_factory.mktemp("full") / "x", "card"
    )


def terms_of(student: Encoder, objective: Distillation) -> dict[str, float]:
    """The terms of a batch of four pairs, whose gradients are computed."""
    objectives = {"distillation": objective}
    batch_needs(objectives, student)
    rows = student.tokenizer(
        TEXTS, padding=True, return_tensors="pt", return_special_tokens_mask=True
    )
    attention = rows["attention_mask"].bool()
    batch = {
        INPUT_IDS: rows["input_ids"],
        ATTENTION_MASK: attention,
        CONTENT_MASK: attention & ~rows["special_tokens_mask"].bool(),
        PAIR_INDEX: torch.arange(len(TEXTS) // 2),
    }
    encoded = encode(student, batch, state_requests(objectives, student))
    loss, terms = combine(objectives, encoded)
    assert loss.item() == pytest.approx(sum(term.item() for term in terms.values()))
    loss.backward()
    return {name: term.item() for name, term in terms.items()}


def test_the_encoder_itself_has_loss_0_also_with_a_part_of_its_subwords(full: Path) -> None:
    objective = Distillation(teacher=str(full))
    student = Encoder.from_pretrained(str(full))
    same = Shrink(student.layers)(student, VocabularyInputs()).encoder
    for name, value in terms_of(same, objective).items():
        assert value == pytest.approx(0, abs=1e-6), name
    same.zero_grad()
    inputs = VocabularyInputs(native={"rus_Cyrl": TEXTS})
    trimmed = Trim(min_per_script=0)(same, inputs).encoder
    assert len(trimmed.tokenizer) < len(objective._loaded["teacher"].encoder.tokenizer)
    for name, value in terms_of(trimmed, objective).items():
        assert value == pytest.approx(0, abs=1e-6), name


def test_a_shrunk_encoder_learns_what_the_full_one_computes(full: Path) -> None:
    student = Encoder.from_pretrained(str(full))
    shrunk = Shrink(1)(student, VocabularyInputs()).encoder
    objective = Distillation(teacher=str(full))
    optimizer = torch.optim.AdamW(shrunk.parameters(), lr=1e-2)
    losses = []
    for _ in range(10):
        terms = terms_of(shrunk, objective)
        losses.append(sum(terms.values()))
        optimizer.step()
        optimizer.zero_grad()
    assert set(terms) == {"distilled", "distilled_vectors"}
    assert 0 < losses[-1] < losses[0] / 2
    # the teacher is fixed
    weights = objective._loaded["teacher"].encoder.masked_lm.state_dict()
    first = Encoder.from_pretrained(str(full)).masked_lm.state_dict()
    assert all(torch.equal(weights[name], first[name]) for name in first)


def test_what_cannot_be_distilled_is_told_before_training(full: Path) -> None:
    with raises("TLN-CONFIG-530", naming="teacher"):
        Distillation().fields(make_encoder("xlm-roberta"))
    with raises("TLN-CONFIG-420"):
        Distillation(teacher=str(full)).fields(make_encoder("xlm-roberta", num_hidden_layers=4))
    with raises("TLN-CONFIG-002", naming="pooled"):
        Distillation(pooled=-1)
