"""``transliconet train -m``: what Hydra's sweepers and launchers call for each job, and the summary
at the end.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from transliconet.errors import ConfigError
from transliconet.sweep.job import DONE, Job, read_sweep
from transliconet.sweep.process import LOG, run_job

log = logging.getLogger(__name__)

_FOLDERS: list[Path] = []
"""Of the sweep that this process runs, if it runs one."""


class NoteFolder(Callback):
    """Notes where a sweep's jobs are, for :func:`summarize`."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _FOLDERS.append(Path(config.hydra.sweep.dir))


def in_sweep() -> bool:
    """Whether this process starts jobs of a sweep, rather than being one."""
    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def run_as_job(cfg: DictConfig) -> float | tuple[float, ...] | None:
    """Run the job that Hydra has composed ``cfg`` for in a fresh process.

    Returns:
        What ``cfg.jobs.maximize`` names, for a sweeper that optimizes; None where the job failed or
        nothing is named.
    """
    hydra = HydraConfig.get()
    job = run_job(Path(hydra.runtime.output_dir), list(hydra.overrides.task), cfg.jobs.gpus)
    log.info("job %s: %s", job.name, _outcome(job))
    return objectives(job, cfg.jobs.maximize)


def objectives(job: Job, names: Sequence[str]) -> float | tuple[float, ...] | None:
    """Accuracies of a job by name, one or several.

    Raises:
        ConfigError: the probe measured none of that name.
    """
    if job.state != DONE or not names:
        return None
    if absent := [name for name in names if name not in job.accuracies]:
        measured = ", ".join(job.accuracies) or "nothing (probe=none?)"
        raise ConfigError(
            f"jobs.maximize={list(names)}",
            f"{absent[0]} was not measured",
            f"Measured: {measured}",
            code="TLN-CONFIG-954",
        )
    values = tuple(job.accuracies[name] for name in names)
    return values if len(values) > 1 else values[0]


def _outcome(job: Job) -> str:
    if job.state != DONE:
        return f"{job.state}: {job.error}"
    return f"{job.state} in {job.seconds:.0f} s; {_percent(job.accuracies) or 'not probed'}"


def _percent(accuracies: Mapping[str, float]) -> str:
    return ", ".join(f"{task} {100 * accuracy:.1f}" for task, accuracy in accuracies.items())


def summarize() -> int:
    """Print what became of the jobs of the sweep that this process has run; the exit status, 1 if
    any is not done.
    """
    if not _FOLDERS:
        return 0
    folder = _FOLDERS.pop()
    jobs = read_sweep(folder)
    unfinished = [job for job in jobs if job.state != DONE]
    print(
        f"\n{len(jobs) - len(unfinished)} of {len(jobs)} jobs done; transliconet report sweep={folder} has the table"
    )
    for job in unfinished:
        print(f"job {job.name} {job.state}: {job.error}\n  {job.folder / LOG}")
    if unfinished:
        print("The same command runs these again and skips the others.")
    return 1 if unfinished else 0
