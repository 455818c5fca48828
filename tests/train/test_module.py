"""Training itself: it learns, it can be repeated, and what is not trained is not touched."""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger

from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import ATTENTION_MASK
from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.model.trainable import choose_trainable
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.train.callbacks import Throughput
from transliconet.train.module import PairModule
from transliconet.train.optim import linear_warmup_decay, parameter_groups
from transliconet.train.probing import ProbeWhileTraining

OBJECTIVES = {"mlm": MaskedLanguageModel(), "tcm": TransliterationContrast(layer=1, input="masked")}


def make_module(encoder: Encoder, objectives: dict | None = None, lr: float = 1e-3) -> PairModule:
    return PairModule(
        encoder, objectives or OBJECTIVES, partial(torch.optim.AdamW, lr=lr), linear_warmup_decay
    )


@pytest.fixture
def fit(cldr_pairs: PairsFolder, make_encoder: Callable[..., Encoder]) -> Callable[..., PairModule]:
    """Trains a fresh encoder for some steps on one CPU."""

    def run(
        steps: int = 4,
        objectives: dict | None = None,
        batch_size: int = 16,
        workers: int = 0,
        **trainer: object,
    ):  # type: ignore[no-untyped-def]
        pl.seed_everything(0, verbose=False)
        module = make_module(make_encoder(), objectives)
        data = small_data(
            cldr_pairs, module.encoder.tokenizer, batch_size=batch_size, workers=workers
        )
        settings = {
            "max_steps": steps,
            "accelerator": "cpu",
            "devices": 1,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "use_distributed_sampler": False,
        }
        module.fitted = pl.Trainer(**{**settings, **trainer})  # type: ignore[arg-type]
        module.fitted.fit(module, datamodule=data)
        return module

    return run


def weights(module: PairModule) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in module.encoder.state_dict().items()}


def test_alignment_improves_on_heldout_names(
    fit: Callable[..., PairModule], cldr_pairs: PairsFolder, encoder: Encoder
) -> None:
    contrast = TransliterationContrast(
        1.0, 1.0, "last", similarity="cosine", temperature=0.05, input="clean"
    )
    trained = fit(120, {"tcm": contrast}, batch_size=64).encoder

    def acc(which: Encoder) -> float:
        records = RetrievalProbe().run(which, cldr_pairs)
        return sum(r.acc[1] for r in records) / len(records)

    before, after = acc(encoder), acc(trained)
    assert after > before + 0.2


def test_the_same_seed_gives_the_same_weights_bit_for_bit_with_or_without_workers(
    fit: Callable[..., PairModule],
) -> None:
    first, again = weights(fit()), weights(fit(workers=2))
    assert all(torch.equal(first[k], again[k]) for k in first)


def test_every_weight_that_an_objective_reaches_is_trained(
    fit: Callable[..., PairModule], make_encoder: Callable[..., Encoder]
) -> None:
    before, after = make_encoder().state_dict(), weights(fit(6))
    same = {k for k in before if torch.equal(before[k], after[k])}
    assert {k for k in same if "position_ids" not in k and "token_type_ids" not in k} == set()


def test_contrast_alone_leaves_upper_layers_and_head_as_they_were(
    fit: Callable[..., PairModule], make_encoder: Callable[..., Encoder]
) -> None:
    before, after = (
        make_encoder().state_dict(),
        weights(fit(3, {"tcm": TransliterationContrast(layer=1, input="masked")})),
    )
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert any(".layer.0." in k for k in changed)
    assert not any(".layer.1." in k or "lm_head.dense" in k for k in changed)


def test_one_forward_pass_a_step_serves_both_views_and_objectives(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    module = make_module(make_encoder())
    data = small_data(cldr_pairs, module.encoder.tokenizer, batch_size=8)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    tokens: list[int] = []
    module.encoder.masked_lm.roberta.embeddings.register_forward_hook(
        lambda m, a, o: tokens.append(o.shape[1])
    )
    module.log = module.log_dict = lambda *a, **k: None  # type: ignore[assignment, method-assign]
    # type: ignore[assignment, method-assign]
    module.optimizers = lambda: torch.optim.SGD(module.parameters(), lr=0.1)
    module.training_step(batch, 0)
    assert tokens == [int(batch[ATTENTION_MASK].sum())]  # both views, without padding


def test_biases_and_norms_do_not_decay(encoder: Encoder) -> None:
    decaying, free = parameter_groups(encoder, 0.1)
    names = {id(p): n for n, p in encoder.named_parameters()}
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert all(
        "bias" in names[id(p)] or "LayerNorm" in names[id(p)] or "layer_norm" in names[id(p)]
        for p in free["params"]
    )
    assert not any(
        "bias" in names[id(p)] or "norm" in names[id(p)].lower() for p in decaying["params"]
    )
    assert len(decaying["params"]) + len(free["params"]) == len(names)


def test_layer_decay_slows_lower_layers(encoder: Encoder) -> None:
    groups = parameter_groups(encoder, 0.1, layer_decay=0.5)
    by_parameter = {id(p): g["lr_factor"] for g in groups for p in g["params"]}
    factor = {n: by_parameter[id(p)] for n, p in encoder.named_parameters(remove_duplicate=False)}
    body = "masked_lm.roberta."
    assert factor["masked_lm.lm_head.bias"] == 1.0
    assert factor[f"{body}encoder.layer.1.output.dense.weight"] == 1.0
    assert factor[f"{body}encoder.layer.0.attention.self.query.bias"] == 0.5
    assert factor[f"{body}embeddings.word_embeddings.weight"] == 0.25
    with raises("TLN-CONFIG-002", naming="layer_decay=0"):
        parameter_groups(encoder, 0.1, layer_decay=0)


def _changed(module: PairModule, before: dict[str, torch.Tensor]) -> set[str]:
    return {n for n, v in module.encoder.state_dict().items() if not torch.equal(v, before[n])}


@pytest.mark.parametrize(
    ("trainable", "frozen_layers"), [("embeddings", 0), ("all", 1), ("all", 2)]
)
def test_frozen_weights_stay(
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    trainable: str,
    frozen_layers: int,
) -> None:
    encoder = make_encoder()
    choose_trainable(encoder, trainable, frozen_layers)
    module = make_module(encoder)
    before = weights(module)
    data = small_data(cldr_pairs, encoder.tokenizer)
    trainer = pl.Trainer(
        max_steps=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, datamodule=data)
    changed = {n.removeprefix("masked_lm.") for n in _changed(module, before)}
    table = {
        "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.weight",
    }  # one and the same, tied
    if trainable == "embeddings":
        assert changed == table
        return
    frozen = [f"roberta.encoder.layer.{i}." for i in range(frozen_layers)]
    assert table <= changed
    assert not [
        n
        for n in changed
        if n.startswith(tuple(frozen)) or n.startswith("roberta.embeddings.LayerNorm")
    ]
    assert [n for n in changed if n.startswith("roberta.encoder.layer.1.")] or frozen_layers == 2


def test_unknown_parts_cannot_be_trained(encoder: Encoder) -> None:
    with raises("TLN-CONFIG-001"):
        choose_trainable(encoder, "new_row")
    with raises("TLN-CONFIG-002", naming="frozen_layers=3"):
        choose_trainable(encoder, "all", 3)


def test_the_learning_rate_warms_up_and_decays_linearly() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = linear_warmup_decay(optimizer, 10, warmup=0.4)
    rates = []
    for _ in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0, 0.25, 0.5, 0.75, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert optimizer.param_groups[0]["lr"] == 0
    with raises("TLN-CONFIG-002", naming="warmup=2"):
        linear_warmup_decay(optimizer, 10, warmup=2)


def test_the_schedule_counts_optimizer_steps_under_accumulation(
    fit: Callable[..., PairModule],
) -> None:
    trainer = fit(-1, max_epochs=1, accumulate_grad_batches=4, limit_train_batches=12).fitted
    assert trainer.global_step == 3
    assert trainer.optimizers[0].param_groups[0]["lr"] == 0


def test_loss_terms_rate_and_throughput_are_logged(
    fit: Callable[..., PairModule], tmp_path: Path
) -> None:
    import csv

    logger = CSVLogger(str(tmp_path), name="", version="")
    fit(4, logger=logger, log_every_n_steps=2, callbacks=[Throughput()])
    with (tmp_path / "metrics.csv").open() as f:
        rows = list(csv.DictReader(f))
    row = {k: float(v) for k, v in rows[-1].items() if v}
    expected = {
        "loss",
        "loss/mlm_native",
        "loss/mlm_romanized",
        "loss/tcm",
        "lr",
        "negatives",
        "pairs_per_s",
        "tokens_per_s",
    }
    assert expected <= row.keys()
    assert row["loss"] == pytest.approx(
        row["loss/mlm_native"] + row["loss/mlm_romanized"] + row["loss/tcm"], rel=1e-4
    )
    assert row["tokens_per_s"] > row["pairs_per_s"] > 0


def test_bfloat16_trains(fit: Callable[..., PairModule]) -> None:
    trained = fit(3, precision="bf16-mixed")
    assert {p.dtype for p in trained.encoder.parameters()} == {torch.float32}
    assert all(torch.isfinite(p).all() for p in trained.encoder.parameters())


def test_a_layer_beyond_the_encoder_stops_before_training(encoder: Encoder) -> None:
    with pytest.raises(ConfigError) as error:
        make_module(encoder, {"tcm": TransliterationContrast(layer=8)})
    assert error.value.code == "TLN-CONFIG-400"
    assert error.value.with_section().startswith("objective.tcm.layer=8: ")


def test_probing_while_training_is_logged_and_can_be_watched(
    cldr_pairs: PairsFolder, make_encoder: Callable[..., Encoder], tmp_path: Path
) -> None:
    module = make_module(make_encoder())
    probing = ProbeWhileTraining(RetrievalProbe(), cldr_pairs, every_n_steps=2)
    best = ModelCheckpoint(
        tmp_path, monitor="probe/native→romanized", mode="max", every_n_train_steps=2
    )
    trainer = pl.Trainer(
        max_steps=5,
        accelerator="cpu",
        logger=CSVLogger(tmp_path, "", ""),
        callbacks=[probing, best],
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        log_every_n_steps=50,
    )
    trainer.fit(
        module,
        datamodule=small_data(cldr_pairs, module.encoder.tokenizer),
    )
    with (tmp_path / "metrics.csv").open() as f:
        rows = [r for r in csv.DictReader(f) if r.get("probe/train_seconds")]
    assert [int(r["step"]) for r in rows] == [2, 4]
    assert float(rows[0]["probe/train_seconds"]) < float(rows[1]["probe/train_seconds"])
    assert 0 <= float(rows[1]["probe/romanized→native"]) <= 1
    assert best.best_model_score is not None
    with raises("TLN-CONFIG-002", naming="probe_every_n_steps=0"):
        ProbeWhileTraining(RetrievalProbe(), cldr_pairs, every_n_steps=0)


def test_gradients_are_clipped_under_bf16_with_a_fused_optimizer(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    encoder = make_encoder()
    norms: list[float] = []

    class Watch(pl.Callback):
        def on_train_batch_end(
            self, trainer: pl.Trainer, module: pl.LightningModule, *_: object
        ) -> None:
            norms.append(
                float(
                    torch.stack(
                        [p.grad.norm() for p in module.parameters() if p.grad is not None]
                    ).norm()
                )
            )

    module = PairModule(
        encoder,
        {"tcm": TransliterationContrast(layer=1, input="clean")},
        partial(torch.optim.AdamW, lr=1e-3, fused=True),
    )
    data = small_data(cldr_pairs, encoder.tokenizer)
    trainer = pl.Trainer(
        max_steps=3,
        accelerator="cpu",
        precision="bf16-mixed",
        gradient_clip_val=1e-3,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[Watch()],
    )
    trainer.fit(module, datamodule=data)
    assert len(norms) == 3
    assert max(norms) <= 1.01e-3
