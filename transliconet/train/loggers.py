"""Loggers that a resumed run continues. All of them get the run's settings and are closed at its
end.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger, Logger, MLFlowLogger, WandbLogger
from pytorch_lightning.loggers.csv_logs import ExperimentWriter
from pytorch_lightning.utilities import rank_zero_only

from transliconet.errors import ConfigError
from transliconet.storage import atomic_write

IDS_FILE = "loggers.json"
"""File of a run folder: logger → the id of its run, so that a resumed run continues it."""


def is_first_process() -> bool:
    """Whether this is the process that writes files."""
    return not rank_zero_only.rank  # type: ignore[attr-defined]


class MetricsWriter(ExperimentWriter):
    """Lightning's writer of ``metrics.csv``, which here continues an existing file."""

    def __init__(self, log_dir: str) -> None:
        super().__init__(log_dir)
        self._rows_on_disk = len(self._read())

    def _check_log_dir_exists(self) -> None:
        """Lightning would delete the file."""

    def _read(self) -> list[dict[str, str]]:
        file = Path(self.metrics_file_path)
        if not file.is_file():
            return []
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
        self.metrics_keys = list(reader.fieldnames or [])
        return rows

    def save(self) -> None:
        self._rows_on_disk += len(self.metrics)
        super().save()

    @property
    def rows(self) -> int:
        """Number of rows, those that are not yet written included."""
        return self._rows_on_disk + len(self.metrics)

    def keep_rows(self, number: int) -> None:
        """Delete all rows after the first ``number``."""
        rows = self._read()[:number]
        self.metrics = []
        if rows:
            self._write(rows)
        else:
            Path(self.metrics_file_path).unlink(missing_ok=True)
            self.metrics_keys = []
        self._rows_on_disk = len(rows)

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        rows = self._read()
        self.metrics_keys = fieldnames
        self._write(rows)

    def _write(self, rows: list[dict[str, str]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=self.metrics_keys, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        atomic_write(self.metrics_file_path, text.getvalue())


class MetricsCsvLogger(CSVLogger):
    """``metrics.csv`` in the run folder. A resumed run keeps its rows.

    Args:
        save_dir: the run folder.
        flush_logs_every_n_steps: how often rows are written; with each checkpoint they always are.
    """

    def __init__(self, save_dir: str | Path, flush_logs_every_n_steps: int = 100) -> None:
        super().__init__(save_dir, "", "", flush_logs_every_n_steps=flush_logs_every_n_steps)

    @property
    def experiment(self) -> Any:
        # only the first process writes; the others get Lightning's stand-in
        if self._experiment is None and is_first_process():
            self._fs.makedirs(self.root_dir, exist_ok=True)
            self._experiment = MetricsWriter(log_dir=self.log_dir)
        return super().experiment

    def flushed_rows(self) -> int:
        """Write all rows logged so far. Returns their number."""
        self.save()
        rows: int = self.experiment.rows
        return rows

    def keep_rows(self, number: int) -> None:
        """Delete all rows after the first ``number``."""
        self.experiment.keep_rows(number)


def metrics_of_this_step(trainer: pl.Trainer) -> dict[str, Any]:
    """The row that Lightning will log for the step that has just ended, ``{"step", "metrics"}``;
    empty if it will log none.
    """
    connector = trainer._logger_connector
    if not trainer.training or not connector.should_update_logs:
        return {}
    metrics = {name: float(value) for name, value in connector.metrics["log"].items()}
    step = trainer.fit_loop.epoch_loop._batches_that_stepped
    return {"step": step, "metrics": {"epoch": trainer.current_epoch, **metrics}}


def wandb_logger(**settings: Any) -> WandbLogger:
    """Lightning's logger for Weights & Biases. With ``offline`` it only writes files, which
    ``wandb sync`` can upload later.

    Raises:
        ConfigError: the package wandb is not installed.
    """
    _require("wandb")
    folder = settings.get("save_dir")
    if folder:
        os.makedirs(folder, exist_ok=True)  # or wandb takes the system's temporary folder
        run_id = read_logger_ids(Path(folder)).get("wandb")
        settings = {**settings, **({"id": run_id, "resume": "allow"} if run_id else {})}
    return WandbLogger(**settings)


def mlflow_logger(run_dir: str | None = None, **settings: Any) -> "RenamingMLFlowLogger":
    """Lightning's logger for MLflow.

    Args:
        run_dir: the run folder, whose MLflow run is continued.
        settings: of Lightning's logger.

    Raises:
        ConfigError: the package mlflow is not installed.
    """
    _require("mlflow")
    run_id = read_logger_ids(Path(run_dir)).get("mlflow") if run_dir else None
    return RenamingMLFlowLogger(run_id=run_id, **settings)


class RenamingMLFlowLogger(MLFlowLogger):
    """MLflow takes neither ``→`` nor ``@`` in a name, and Lightning drops them:
    ``probe/native-romanized``.
    """

    def __init__(self, run_id: str | None = None, **settings: Any) -> None:
        super().__init__(run_id=run_id, **settings)
        self._continued = run_id is not None

    def log_hyperparams(self, params: Any) -> None:
        if not self._continued:  # MLflow refuses another value of a setting
            super().log_hyperparams(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        renamed = {}
        for name, value in metrics.items():
            renamed[name.replace("→", "-").replace("@", "-layer-")] = value
        super().log_metrics(renamed, step)


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise ConfigError(
            package,
            "the package is not installed",
            f"pip install -e '.[{package}]' in a checkout",
            code="TLN-CONFIG-801",
        )


def read_logger_ids(run: Path) -> dict[str, str]:
    """Logger → id of its run, as an earlier process of the run has saved them."""
    try:
        ids = json.loads((run / IDS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return ids if isinstance(ids, dict) else {}


@rank_zero_only
def write_logger_ids(loggers: Iterable[Logger], run: Path) -> None:
    """Save the ids of the loggers' runs in a run folder."""
    ids = {}
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            ids["wandb"] = str(logger.experiment.id)
        elif isinstance(logger, MLFlowLogger):
            ids["mlflow"] = str(logger.run_id)
    if ids:
        atomic_write(run / IDS_FILE, json.dumps(ids) + "\n")


def log_settings(loggers: Iterable[Logger], settings: Mapping) -> None:
    """Give every logger the settings of the run, as plain containers."""
    for logger in loggers:
        logger.log_hyperparams(dict(settings))


def close_loggers(loggers: Iterable[Logger]) -> None:
    """Close all loggers. Otherwise the next run of the same process, as in a notebook, would
    continue them.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()
