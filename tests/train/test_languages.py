"""What a run logs of each language: the loss of its pairs, and how many were read."""

from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from tests.batches import small_data
from transliconet.batch import IGNORE, LABELS, PAIR_INDEX
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.base import Objective, weighted_pair_losses
from transliconet.objectives.lexical import LexicalContrast
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.pairs import PairsFolder
from transliconet.train.languages import LanguagesRead, LossByLanguage
from transliconet.train.module import PairModule

LANGUAGES = ["kat_Geor", "rus_Cyrl"]


def module_of(encoder: Encoder, objectives: dict[str, Objective]) -> PairModule:
    return PairModule(encoder, objectives, partial(torch.optim.SGD, lr=0.1))


@pytest.mark.parametrize(
    "objective",
    [
        TransliterationContrast(layer=[1, 2], scale=0.5),
        TransliterationContrast(layer=1, same_view_negatives=False),
        AnchoredContrast(cached_negatives=20, contrast=2.0),
        AnchoredContrast(cached_negatives=0, soft_targets=True),
        MaskedLanguageModel(chunk_size=7),
        TransliterationLanguageModel(),
    ],
    ids=str,
)
def test_losses_of_pairs_add_up_to_the_loss(
    objective: Objective, encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    module = module_of(encoder, {"it": objective})
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, languages=LANGUAGES)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    encoded = module.encode(batch)
    losses = objective.pair_losses(encoded)
    total = torch.stack(list(objective(encoded).values())).sum()
    assert losses is not None
    assert len(losses) == len(batch[PAIR_INDEX])
    assert not losses.requires_grad
    if isinstance(objective, TransliterationLanguageModel):
        # the loss is a mean over tokens, not over pairs
        native, romanized = (batch[LABELS] != IGNORE).chunk(2)
        tokens = native.sum(1) + romanized.sum(1)  # (B,)
        losses = losses.nan_to_num() * tokens * len(tokens) / tokens.sum()
    exact = not isinstance(objective, MaskedLanguageModel)  # two means, over tokens of each view
    assert losses.nanmean().item() == pytest.approx(total.item(), rel=1e-4 if exact else 0.05)


def test_objectives_that_have_no_loss_of_pairs_are_left_out(
    encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    contrast = TransliterationContrast(weight=0.5, layer=1)
    module = module_of(encoder, {"tcm": contrast, "lexical": LexicalContrast()})
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, languages=LANGUAGES)
    data.setup()
    encoded = module.encode(next(iter(data.train_dataloader())))
    found = weighted_pair_losses(module.objectives, encoded)
    assert torch.equal(found, 0.5 * contrast.pair_losses(encoded))


class Metrics(pl.Callback):
    """Keeps what was logged for each batch, and its languages."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.indices: list[Tensor] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *of_batch: object) -> None:
        found = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append(found)
        self.indices.append(of_batch[2][PAIR_INDEX])  # type: ignore[index]


def test_the_loss_of_each_language_is_its_mean_since_the_last_log(
    make_encoder: partial[Encoder],
    cldr_pairs: PairsFolder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder = make_encoder()
    module = module_of(encoder, {"tcm": TransliterationContrast(layer=1)})
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, alpha=0.5)
    metrics, read = Metrics(), LanguagesRead(data)
    trainer = pl.Trainer(
        max_steps=4,
        accelerator="cpu",
        logger=False,
        log_every_n_steps=2,
        callbacks=[LossByLanguage(data), read, metrics],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with caplog.at_level("INFO"):
        trainer.fit(module, datamodule=data)
    assert module.watchers == []
    pairs = data.pairs
    assert pairs is not None
    for end in (2, 4):
        languages = pairs.languages[torch.cat(metrics.indices[end - 2 : end]).numpy()]
        numbers = np.bincount(languages, minlength=len(pairs.tags))
        logged = [metrics.rows[end - 1].get(f"loss/{tag}", 0.0) for tag in pairs.tags]
        total = sum(row["loss"] for row in metrics.rows[end - 2 : end]) * 16
        assert np.dot(numbers, logged) == pytest.approx(total, rel=1e-4)
        assert (numbers > 0).sum() > 2
    whole = np.bincount(pairs.languages[torch.cat(metrics.indices).numpy()])
    assert list(read.pairs.values()) == whole[whole > 0].tolist()
    assert f"pairs read: {pairs.tags[0]} {whole[0]}" in caplog.text
