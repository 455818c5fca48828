"""``conf/``, the classes and ``tn.fit`` have the same defaults, or a reason stands here."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

import transliconet.cli.app  # noqa: F401  registers the resolvers
from transliconet.runs.fit import FitOptions

FIT = {
    "batch_size": "data.batch_size",
    "max_length": "data.max_length",
    "skip_unchanged": "data.skip_unchanged",
    "by_language": "data.by_language",
    "pairs_per_id": "data.pairs_per_id",
    "languages": "data.languages",
    "weights": "data.weights",
    "alpha": "data.alpha",
    "learning_rate": "optim.optimizer.lr",
    "warmup": "optim.scheduler.warmup",
    "weight_decay": "optim.weight_decay",
    "new_rows_lr_factor": "optim.new_rows_lr_factor",
    "layer_decay": "optim.layer_decay",
    "trainable": "trainable",
    "frozen_layers": "frozen_layers",
    "lora.rank": "lora.rank",
    "lora.alpha": "lora.alpha",
    "lora.dropout": "lora.dropout",
    "lora.targets": "lora.targets",
    "lora.dora": "lora.dora",
    "lora.rslora": "lora.rslora",
    "lora.per": "lora.per",
    "dropout": "dropout",
    "start_share": "start_share",
    "micro_batch": "micro_batch",
    "accumulate": "trainer.accumulate_grad_batches",
    "loss_by_language": "loss_by_language",
    "probe_every_n_steps": "probe_every_n_steps",
    "graft": "graft",
    "checkpoints.save_top_k": "checkpoint.save_top_k",
    "checkpoints.monitor": "checkpoint.monitor",
    "checkpoints.mode": "checkpoint.mode",
    "checkpoints.every_n_train_steps": "checkpoint.every_n_train_steps",
    "early_stopping.monitor": "early_stopping.monitor",
    "early_stopping.mode": "early_stopping.mode",
    "early_stopping.patience": "early_stopping.patience",
    "early_stopping.min_delta": "early_stopping.min_delta",
}
"""Option of ``tn.fit`` → key."""

REASONS = {
    "weight": "in conf/ all objectives are listed and off; one that is constructed is on",
    "noisy": "conf/ lists its options, all off",
    "teacher": "in conf/ the encoder of which method=shrink keeps layers; a class must be told",
}
"""Argument of a class whose default differs from that of conf/ → why."""


@pytest.fixture(scope="module")
def cfg() -> DictConfig:
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        return compose("train", overrides=["pairs=x", "objective=parts"])


@pytest.mark.parametrize("option", FIT)
def test_fit_has_the_defaults_of_conf(option: str, cfg: DictConfig) -> None:
    value: Any = FitOptions()
    for name in option.split("."):
        value = getattr(value, name)
    assert value == OmegaConf.select(cfg, FIT[option])


def nodes(node: DictConfig, name: str = "") -> Iterator[tuple[str, DictConfig]]:
    for key in node:
        if OmegaConf.is_missing(node, key) or not isinstance(node[key], DictConfig):
            continue
        path = f"{name}.{key}".lstrip(".")
        if "_target_" in node[key]:
            yield path, node[key]
        yield from nodes(node[key], path)


def test_classes_have_the_defaults_of_conf(cfg: DictConfig) -> None:
    different = []
    compared = 0
    for path, node in nodes(cfg):
        if not node._target_.startswith("transliconet."):
            continue
        parameters = inspect.signature(get_object(node._target_)).parameters
        for key in node:
            parameter = parameters.get(str(key))
            if parameter is None or parameter.default is inspect.Parameter.empty:
                continue
            if key in REASONS or isinstance(node[key], DictConfig):
                continue
            compared += 1
            there = OmegaConf.to_container(node, resolve=True)[key]
            here = list(parameter.default) if isinstance(there, list) else parameter.default
            if here != there:
                different.append(f"{path}.{key}: {there} in conf/, {here} in {node._target_}")
    assert compared > 40
    assert different == []
