"""A run that has gone wrong says what, where and what to do."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from tests.batches import small_data
from tests.settings import raises
from transliconet import progress
from transliconet.batch import PAIR_INDEX
from transliconet.model.encoder import Encoder
from transliconet.model.trainable import checkpoint_layers, compile_layers
from transliconet.objectives.encode import CLEAN
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.train import health
from transliconet.train.callbacks import Progress
from transliconet.train.health import StopOnNaN, explain_out_of_memory
from transliconet.train.module import PairModule
from transliconet.train.optim import linear_warmup_decay


class Poison(pl.Callback):
    """Makes the embeddings NaN before the third batch, and remembers its pairs."""

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: dict, batch_idx: int
    ) -> None:
        if batch_idx == 2:
            self.pairs = batch[PAIR_INDEX].tolist()
            module.encoder.masked_lm.get_input_embeddings().weight.data.fill_(float("nan"))


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_pairs(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    encoder = make_encoder()
    objective = TransliterationContrast(layer=1, input=CLEAN)
    module = PairModule(encoder, {"tcm": objective}, partial(torch.optim.AdamW, lr=1e-3))
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, batch_size=24)
    poison = Poison()
    trainer = pl.Trainer(
        max_steps=5,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[poison, StopOnNaN(data.text.names)],
    )
    with raises("TLN-TRAIN-800") as caught:
        trainer.fit(module, datamodule=data)
    rows = cldr_pairs.split("train", skip_unchanged=True)
    expected = [f"{rows['lang'][i]} {rows['id'][i]}" for i in poison.pairs]
    assert all(name in str(caught.value) for name in expected[:20])
    assert f"and {len(expected) - 20} more" in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"
        ),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "python"],
)
def test_running_out_of_memory_names_the_options_that_save_it(error: Exception) -> None:
    with raises("TLN-TRAIN-801"), explain_out_of_memory(24, 512):
        raise error
    with pytest.raises(RuntimeError, match="something else"), explain_out_of_memory(24, 512):
        raise RuntimeError("something else")


@pytest.mark.parametrize("change", [checkpoint_layers, compile_layers])
def test_options_for_speed_and_memory_change_nothing(
    make_encoder: Callable[..., Encoder], change: Callable[[Encoder], None]
) -> None:
    found = []
    for changed in (False, True):
        encoder = make_encoder()
        names = list(encoder.state_dict())
        if changed:
            change(encoder)
            assert list(encoder.state_dict()) == names  # or checkpoints and exports would be others
        gradients: list[Tensor] = []
        for length in (9, 14):  # several shapes
            ids = torch.randint(
                5, 500, (4, length), generator=torch.Generator().manual_seed(length)
            )
            attention = torch.arange(length) < torch.tensor([length, 3, 5, 1]).unsqueeze(1)
            states = encoder.hidden_states(ids, attention, {1, 2})
            (states[1].square().sum() + states[2].sin().sum()).backward()
            gradients += [p.grad.clone() for p in encoder.parameters() if p.grad is not None]
        found.append(gradients)
    assert len(found[0]) == len(found[1]) > 40
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(
            other, one, atol=1e-4, rtol=1e-3
        )  # compiled code sums in another order


@pytest.mark.parametrize("scheduled", [True, False])
def test_a_run_that_time_alone_ends(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, tmp_path: Path, scheduled: bool
) -> None:
    encoder = make_encoder()
    scheduler = linear_warmup_decay if scheduled else None
    objective = TransliterationContrast(layer=1, input=CLEAN)
    module = PairModule(encoder, {"tcm": objective}, partial(torch.optim.AdamW, lr=1e-3), scheduler)
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, batch_size=24)
    trainer = pl.Trainer(
        max_epochs=-1,
        max_time="00:00:00:01",
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[Progress()],
        default_root_dir=tmp_path,
    )
    if scheduled:
        with raises("TLN-CONFIG-803"):
            trainer.fit(module, datamodule=data)
    else:
        trainer.fit(module, datamodule=data)
        assert trainer.global_step > 0


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_knows_the_end(
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
) -> None:
    """On stderr: a bar on a terminal, lines elsewhere."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    encoder = make_encoder()
    module = PairModule(
        encoder, {"tcm": TransliterationContrast(layer=1)}, partial(torch.optim.AdamW, lr=1e-3)
    )
    data = small_data(cldr_pairs, encoder.tokenizer, batch_size=24, languages=["rus_Cyrl"])
    trainer = pl.Trainer(
        max_steps=20,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[Progress()],
        default_root_dir=tmp_path,
    )
    trainer.fit(module, datamodule=data)
    out, shown = capsys.readouterr()
    assert out == ""
    assert "epoch 1/" in shown
    assert "/-2" not in shown
    assert ("ends=" if terminal else ", ends ") in shown
    assert ("\r" in shown) == terminal
    assert shown.count("step 7,") == (0 if terminal else 1)


@pytest.mark.parametrize(
    ("precision", "slowdown", "warned"),
    [("bf16-mixed", 9.6, True), ("bf16-mixed", 0.5, False), ("32-true", 9.6, False)],
)
def test_a_processor_without_bfloat16_is_told_of(
    precision: str,
    slowdown: float,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert 0.01 < health.bfloat16_slowdown(16) < 1000
    monkeypatch.setattr(health, "bfloat16_slowdown", lambda: slowdown)
    trainer = pl.Trainer(accelerator="cpu", precision=precision, logger=False)
    health.warn_of_slow_bfloat16(trainer)
    messages = [record.getMessage() for record in caplog.records]
    assert any("10 times as long" in message for message in messages) == warned
