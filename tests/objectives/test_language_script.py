"""LangSAMP: embeddings of language and script beside the masked-LM head."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import transliconet as tn
from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import INPUT_IDS, LABELS, PAIR_INDEX
from transliconet.model.encoder import Encoder
from transliconet.model.language_script import (
    LANGUAGE_SCRIPT_FILE,
    LanguageScriptEmbeddings,
    cosine_table,
)
from transliconet.objectives.encode import (
    LABELLED_TOKENS,
    MASKED,
    EncodedPairs,
    StateRequest,
    encode,
)
from transliconet.objectives.language_script import LANGUAGE, SCRIPT, LanguageScript
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.pairs import PairsFolder
from transliconet.runs.hf_folder import encoder_from_checkpoint
from transliconet.tokens.fields import BatchNeeds
from transliconet.tokens.tokenize import concatenate_pairs, tokenize_pairs
from transliconet.train.optim import LR_FACTOR, parameter_groups

PLAIN, TAGGED = MaskedLanguageModel(), MaskedLanguageModel(language_script=True)
CLONES = ["xxa_Cyrl", "xxb_Cyrl"]


def test_embeddings_of_zeros_give_the_plain_loss_bit_for_bit(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    encoder = make_encoder()
    TAGGED.prepare(encoder, list(cldr_pairs.manifest["languages"]))
    needs = BatchNeeds(masked_input=True, fields=tuple(TAGGED.fields(encoder)))
    data = small_data(cldr_pairs, encoder.tokenizer, needs=needs)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    losses, gradients = [], []
    for objective in (PLAIN, TAGGED):
        encoder.zero_grad()
        terms = objective(encode(encoder, batch, objective.reads(encoder)))
        torch.stack(list(terms.values())).sum().backward()
        losses.append({name: term.item() for name, term in terms.items()})
        gradients.append(
            [p.grad.clone() for p in encoder.masked_lm.base_model.encoder.parameters()]
        )
    assert losses[0] == losses[1]
    assert all(map(torch.equal, *gradients))
    assert torch.count_nonzero(encoder.language_script.language.grad)
    # the states of text have no part of them
    before = tn.embed(encoder, ["Москва"])
    with torch.no_grad():
        encoder.language_script.language += 1
    assert np.array_equal(before, tn.embed(encoder, ["Москва"]))
    changed = TAGGED(encode(encoder, batch, TAGGED.reads(encoder)))
    assert changed["mlm_native"].item() != losses[1]["mlm_native"]


def cloned_languages(encoder: Encoder) -> EncodedPairs:
    """One masked word in the same sentence of two languages, which have different words for it. The
    states are equal, as an encoder gives them.
    """
    labels = torch.full((4, 3), -100)
    labels[:, 1] = torch.tensor([50, 60, 50, 60])  # both views of each language
    hidden = torch.randn(1, 32, generator=torch.Generator().manual_seed(0)).expand(4, 32)
    batch = {
        PAIR_INDEX: torch.arange(2),
        INPUT_IDS: torch.full((4, 3), 5),
        LABELS: labels,
        LANGUAGE: torch.tensor([0, 1, 0, 1]),
        SCRIPT: torch.tensor([0, 0, 1, 1]),
    }
    states: dict[StateRequest, Tensor] = {
        StateRequest(MASKED, encoder.layers, LABELLED_TOKENS): hidden
    }
    return EncodedPairs(batch, states, encoder)


def trained_loss(encoder: Encoder, objective: MaskedLanguageModel) -> float:
    """The lowest mean loss while the head and the embeddings learn."""
    encoded = cloned_languages(encoder)
    optimizer = torch.optim.Adam(encoder.parameters(), 0.02)
    lowest = np.inf
    for _ in range(60):
        loss = torch.stack(list(objective(encoded).values())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        lowest = min(lowest, loss.item())
    return float(lowest)


def test_two_cloned_languages_are_told_apart(make_encoder: Callable[..., Encoder]) -> None:
    plain, tagged = make_encoder(), make_encoder()
    TAGGED.prepare(tagged, CLONES)
    lowest = trained_loss(plain, PLAIN)
    assert np.log(2) - 1e-5 <= lowest < 1  # the guard: it does learn
    assert trained_loss(tagged, TAGGED) < 0.05


def test_romanized_rows_have_their_language_and_latin_script(encoder: Encoder) -> None:
    one, two = (tokenize_pairs(encoder.tokenizer, [t] * 2, [t] * 2, 8) for t in ("а", "б"))
    # the same language has another number in each folder
    first = replace(one, languages=np.array([0, 1]), tags=["rus_Cyrl", "hin_Deva"])
    second = replace(two, languages=np.array([1, 0]), tags=["hin_Deva", "rus_Cyrl"])
    pairs = concatenate_pairs([first, second])
    assert pairs.languages.tolist() == [0, 1, 0, 1]

    class Rows:
        indices = np.array([1, 2])

    Rows.pairs = pairs  # type: ignore[attr-defined]
    field = LanguageScript(("hin", "rus"), ("Deva", "Cyrl", "Latn"))
    made = field.make(Rows())  # type: ignore[arg-type]
    assert made[LANGUAGE].tolist() == [0, 1, 0, 1]
    assert made[SCRIPT].tolist() == [0, 1, 2, 2]


def test_further_languages_keep_the_rows_that_are_there(tmp_path: Path) -> None:
    embeddings = LanguageScriptEmbeddings([], [], 4).with_tags(["hin_Deva", "mar_Deva"])
    assert (embeddings.languages, embeddings.scripts) == (("hin", "mar"), ("Latn", "Deva"))
    with torch.no_grad():
        embeddings.language.normal_()
    embeddings.save(tmp_path)
    loaded = LanguageScriptEmbeddings.load(tmp_path)
    assert loaded is not None
    more = loaded.with_tags(["hin_Latn", "rus_Cyrl"])
    assert more.names == {
        "languages": ["hin", "mar", "rus"],
        "scripts": ["Latn", "Deva", "Cyrl"],
        "width": 4,
    }
    assert torch.equal(more.language[:2], embeddings.language)
    assert more.language.requires_grad
    assert not loaded.language.requires_grad
    names, cosines = more.cosines()
    a, b = embeddings.language.detach().numpy()
    assert names == ["hin", "mar", "rus"]
    assert cosines[0, 1] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)
    assert cosines[2].tolist() == [0, 0, 0]
    assert LanguageScriptEmbeddings.load(tmp_path / "nowhere") is None
    (tmp_path / LANGUAGE_SCRIPT_FILE).write_bytes(b"nothing")
    with raises("TLN-CKPT-430"):
        LanguageScriptEmbeddings.load(tmp_path)


def test_cosines_are_those_of_directions() -> None:
    table = cosine_table(np.array([[2.0, 0], [0, 3], [1, 1]]))
    assert table == pytest.approx(
        np.array([[1, 0, 0.5**0.5], [0, 1, 0.5**0.5], [0.5**0.5] * 2 + [1]])
    )


def test_they_are_trained_like_new_rows_and_are_in_checkpoint_and_export(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    encoder = make_encoder()
    result = tn.fit(
        encoder,
        cldr_pairs,
        {"mlm": TAGGED},
        tmp_path / "run",
        steps=2,
        batch_size=8,
        new_rows_lr_factor=10.0,
    )
    trained = encoder.language_script
    assert trained is not None
    factors = {}
    for group in parameter_groups(encoder, 0.01, new_rows_lr_factor=10.0):
        for parameter in group["params"]:
            factors[id(parameter)] = (group["weight_decay"], group[LR_FACTOR])
    assert factors[id(trained.language)] == factors[id(trained.script)] == (0.0, 10.0)
    assert sorted(trained.languages) == sorted(t[:3] for t in cldr_pairs.manifest["languages"])
    assert torch.count_nonzero(trained.script[trained.scripts.index("Latn")])
    exported = tn.load(result.export).language_script
    saved = encoder_from_checkpoint(tmp_path / "run").language_script
    for again in (exported, saved):
        assert again is not None
        assert again.names == trained.names
        assert torch.equal(again.language, trained.language)
