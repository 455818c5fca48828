"""``transliconet train``: pairs folder and encoder → run folder."""

from collections.abc import Mapping
from pathlib import Path

import pytorch_lightning as pl
import transformers
from omegaconf import DictConfig, OmegaConf

from transliconet.cli.app import build, hydra_command
from transliconet.corpus.pairs import PairsFolder
from transliconet.errors import ConfigError, require_choice
from transliconet.model.encoder import Encoder
from transliconet.model.rows import train_new_rows
from transliconet.objectives.anchor import AnchoredContrast
from transliconet.objectives.combine import MASKED
from transliconet.train.callbacks import Throughput
from transliconet.train.module import PairModule
from transliconet.train.run import TrainResult, run_training
from transliconet.train.teacher import Teacher


def build_encoder(cfg: DictConfig, pairs: PairsFolder | None) -> Encoder:
    """What ``cfg`` says: loaded, or made from scratch with a tokenizer trained on the training part of ``pairs``."""
    transformers.logging.disable_progress_bar()
    if not cfg.get("_partial_"):
        return build(cfg)
    if pairs is None:
        raise ConfigError("encoder", "made from scratch, which takes a pairs folder", "Add pairs=FOLDER")
    rows = pairs.part("train")
    return build(cfg, texts=rows["text"].to_pylist() + rows["romanized"].to_pylist())


def _teacher(encoder: Encoder, objectives: Mapping[str, object]) -> Teacher | None:
    """What gives the anchors, where an objective that is switched on reads them."""
    for objective in objectives.values():
        if isinstance(objective, AnchoredContrast) and objective.weight > 0:
            return Teacher(encoder, objective.layer, objective.pooling)
    return None


def train(cfg: DictConfig) -> TrainResult:
    """Run what ``cfg`` describes; ``cfg.run_dir`` gets the results."""
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    pairs = PairsFolder.open(cfg.pairs)
    encoder = build_encoder(cfg.encoder, pairs)
    require_choice("trainable", cfg.trainable, ("all", "new_rows", "new_rows_and_body"))
    objectives = build(cfg.objective)
    teacher = _teacher(encoder, objectives)
    if cfg.trainable != "all":
        train_new_rows(encoder, body=cfg.trainable == "new_rows_and_body")
    module = PairModule(encoder, objectives, **build(cfg.optim))
    reads_masked = any(kind == MASKED for kind, _ in module.reads)
    data = build(
        cfg.data,
        pairs=pairs,
        tokenizer=encoder.tokenizer,
        positions=encoder.positions,
        seed=cfg.seed,
        anchors=teacher,
        **({} if reads_masked else {"masking": None}),
    )
    probe = build(cfg.probe) if cfg.probe else None
    out = Path(cfg.run_dir)
    trainer = build(
        cfg.trainer,
        logger=list(build(cfg.logger).values()),
        callbacks=[build(cfg.checkpoint), Throughput()],
        default_root_dir=str(out),
    )
    ends = cfg.trainer
    if ends.max_steps == -1 and ends.max_epochs in (None, -1) and ends.max_time is None:
        raise ConfigError("trainer.max_epochs", "the run has no end", "Set trainer.max_epochs or trainer.max_steps")
    plain = OmegaConf.to_container(cfg, resolve=True)
    return run_training(module, data, trainer, pairs, out, probe, cfg.resume, plain)  # type: ignore[arg-type]


@hydra_command("train")
def main(cfg: DictConfig) -> None:
    train(cfg)
