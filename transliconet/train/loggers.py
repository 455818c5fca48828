"""Loggers that need a package of their own, what all of them are told of the run, and how they are
closed.
"""

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from pytorch_lightning.loggers import Logger, MLFlowLogger, WandbLogger

from transliconet.errors import ConfigError


def wandb_logger(**settings: Any) -> WandbLogger:
    """Lightning's, for Weights & Biases; ``offline`` writes files alone, which ``wandb sync``
    uploads.

    Raises:
        ConfigError: the package wandb is not installed.
    """
    _require("wandb")
    if settings.get("save_dir"):
        os.makedirs(
            settings["save_dir"], exist_ok=True
        )  # or wandb takes the system's temporary folder
    return WandbLogger(**settings)


def mlflow_logger(**settings: Any) -> "SpeltMLFlowLogger":
    """Lightning's, for MLflow.

    Raises:
        ConfigError: the package mlflow is not installed.
    """
    _require("mlflow")
    return SpeltMLFlowLogger(**settings)


class SpeltMLFlowLogger(MLFlowLogger):
    """MLflow takes neither ``→`` nor ``@`` in a name, and Lightning drops them:
    ``probe/native-romanized``.
    """

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        spelt = {
            name.replace("→", "-").replace("@", "-layer-"): value for name, value in metrics.items()
        }
        super().log_metrics(spelt, step)


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise ConfigError(
            f"logger={package}",
            f"the package {package} is not installed",
            f"pip install 'transliconet[{package}]'",
            code="TLN-CONFIG-801",
        )


def log_settings(loggers: Iterable[Logger], config: Mapping) -> None:
    """Tell every logger the run's settings, plain containers."""
    for logger in loggers:
        logger.log_hyperparams(dict(config))


def close(loggers: Iterable[Logger]) -> None:
    """End what would otherwise go on into the next run of this process, as in a sweep."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()
