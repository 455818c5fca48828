"""A run that is stopped, however rudely, and resumed ends as one that never was."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from transliconet.corpus.pairs import PairsFolder
from transliconet.data.datamodule import PairsDataModule
from transliconet.data.masking import Masking
from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.train.checkpoint import AtomicCheckpointIO
from transliconet.train.module import PairModule
from transliconet.train.optim import linear_warmup_decay


class Stop(Exception):
    """What stands for a kill."""


class StopBefore(pl.Callback):
    """Raises before a batch, counted over epochs."""

    def __init__(self, batch: int) -> None:
        self.left = batch

    def on_train_batch_start(self, *_: object) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stop


@pytest.fixture(scope="module")
def fit(make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder) -> Callable[..., dict[str, Tensor]]:
    """Trains two epochs of 7 batches, accumulated by threes, with dropout; gives the weights."""

    def run(
        folder: Path, stop: int | None = None, resume: Path | None = None, workers: int = 0, **data: object
    ) -> dict[str, Tensor]:
        torch.manual_seed(random.randrange(1 << 30))  # nothing may depend on what was drawn before
        encoder = make_encoder()
        parts = {"mlm": MaskedLanguageModel(), "tcm": TransliterationContrast(layer=1)}
        module = PairModule(
            encoder, parts, partial(torch.optim.AdamW, lr=1e-3), partial(linear_warmup_decay, warmup=0.1)
        )
        settings = {"batch_size": 140, "masking": Masking(), "languages": ["kat_Geor", "rus_Cyrl"], **data}
        pairs = PairsDataModule(cldr_pairs, encoder.tokenizer, 64, max_length=48, workers=workers, **settings)  # type: ignore[arg-type]
        saving = ModelCheckpoint(folder, save_last=True, save_top_k=0, every_n_train_steps=1)
        trainer = pl.Trainer(
            max_epochs=2, accumulate_grad_batches=3, accelerator="cpu", logger=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=[saving, *([StopBefore(stop)] if stop is not None else [])],
            plugins=[AtomicCheckpointIO()],
        )  # fmt: skip
        try:
            trainer.fit(module, datamodule=pairs, ckpt_path=resume, weights_only=True)
        except Stop:
            return {}
        assert trainer.num_training_batches == 7
        assert trainer.global_step == 6
        return {name: value.clone() for name, value in encoder.state_dict().items()}

    return run


@pytest.fixture(scope="module")
def whole(fit: Callable[..., dict[str, Tensor]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return fit(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("stop", range(3, 14))
def test_resumed_anywhere_it_ends_in_the_same_weights(
    fit: Callable[..., dict[str, Tensor]], whole: dict[str, Tensor], stop: int, tmp_path: Path
) -> None:
    """Also within an epoch and between accumulated batches, and just before and after an epoch's end."""
    assert fit(tmp_path, stop=stop) == {}
    resumed = fit(tmp_path, resume=tmp_path / "last.ckpt")
    assert resumed.keys() == whole.keys()
    different = [name for name, value in whole.items() if not torch.equal(value, resumed[name])]
    assert different == []


@pytest.mark.parametrize("stop", [5, 9, 12])  # in the first epoch, where the checkpoint ends an epoch, in the second
def test_loader_processes_change_nothing(
    fit: Callable[..., dict[str, Tensor]], whole: dict[str, Tensor], stop: int, tmp_path: Path
) -> None:
    assert fit(tmp_path, stop=stop, workers=2) == {}
    resumed = fit(tmp_path, resume=tmp_path / "last.ckpt", workers=3)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_checkpoint_of_other_batches_is_refused(fit: Callable[..., dict[str, Tensor]], tmp_path: Path) -> None:
    fit(tmp_path, stop=5)
    with pytest.raises(CheckpointError, match="the run had data.batch_size 140, not 50"):
        fit(tmp_path, resume=tmp_path / "last.ckpt", batch_size=50)
    with pytest.raises(CheckpointError, match="the run had pairs, tokenizer and anchors"):
        fit(tmp_path, resume=tmp_path / "last.ckpt", languages=["kat_Geor"])
