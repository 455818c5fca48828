"""``transliconet train -m``: the function that Hydra's sweepers and launchers call for each job,
and the summary at the end.
"""

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from transliconet.cli.app import SweepRefused
from transliconet.errors import ConfigError, Option, TransliconetError
from transliconet.sweep.job import DONE, Job, find_jobs, read_sweep, varied
from transliconet.sweep.overrides import settings_of
from transliconet.sweep.plan import (
    PLACE,
    SweepPlan,
    check_same_sweep,
    find_or_make_job,
    job_overrides,
)
from transliconet.sweep.process import LOG, run_job


@dataclass
class SweepProgress:
    """The progress of the sweep that this process runs.

    Args:
        folder: of the sweep.
        total: number of jobs; 0 if the sweeper chooses them one by one.
        keys: settings that differ between jobs.
        started: number of jobs so far.
        seconds: durations of the jobs that ran.
        skipped: number of jobs that had been done before.
    """

    folder: Path
    total: int = 0
    keys: Sequence[str] = ()
    started: int = 0
    seconds: list[float] = field(default_factory=list)
    skipped: int = 0


_SWEEPS: list[SweepProgress] = []
"""The sweep that this process runs; empty if it runs none."""


class SweepStopped(KeyboardInterrupt):
    """SIGTERM ends the sweep. After an ``Exception``, Hydra would go on with the next job."""

    signal = int(signal.SIGTERM)


class CheckSweep(Callback):
    """Checks the settings of all jobs before the first one starts, without importing torch."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        sweep = SweepProgress(Path(config.hydra.sweep.dir).absolute())
        _SWEEPS.append(sweep)
        signal.signal(signal.SIGTERM, _stop)
        maximize = list(config.jobs.maximize)
        if not issubclass(get_class(config.hydra.sweeper._target_), BasicSweeper):
            SweepPlan(maximize=maximize).write(sweep.folder)
            return  # a search chooses its jobs one by one
        try:
            self._check(sweep, list(config.hydra.overrides.task))
            SweepPlan(sweep.total, maximize).write(sweep.folder)
        except (TransliconetError, HydraException, OmegaConfBaseException) as error:
            raise SweepRefused(error) from error

    def _check(self, sweep: SweepProgress, task: list[str]) -> None:
        given = OverridesParser.create().parse_overrides(task)
        jobs = BasicSweeper.split_arguments(given, None)[0]
        for overrides in jobs:
            _require_values(overrides)
        check_same_sweep(sweep.folder, jobs)
        sweep.total = len(jobs)
        settings = [settings_of(overrides) for overrides in jobs]
        several = []
        for key in settings[0]:
            values = {job[key] for job in settings}
            if len(values) > 1:
                several.append(key)
        sweep.keys = several


def _require_values(overrides: Sequence[str]) -> None:
    """Raise if a job has no value for a mandatory key."""
    cfg = compose("train", overrides=list(overrides))
    missing = sorted(key for key in OmegaConf.missing_keys(cfg) if not key.startswith("hydra"))
    if missing:
        settings = [override for override in overrides if not override.startswith(PLACE)]
        raise ConfigError(
            missing[0],
            f"no value given in the job {' '.join(settings)}",
            f"Add {missing[0]}=…",
            code="TLN-CONFIG-965",
        )


def _stop(number: int, frame: FrameType | None) -> None:
    raise SweepStopped(
        "stopped by SIGTERM: the job in progress has saved. The same command goes on from there"
    )


def run_as_job(cfg: DictConfig) -> float | tuple[float, ...] | None:
    """Run a job of a sweep in a process of its own.

    Args:
        cfg: the configuration that Hydra has composed for the job.

    Returns:
        The accuracies that ``cfg.jobs.maximize`` names, for a sweeper that optimizes; None if the
        job failed or no accuracy is named.
    """
    hydra = HydraConfig.get()
    folder, own = Path(hydra.sweep.dir).absolute(), Path(hydra.runtime.output_dir)
    overrides = job_overrides(list(hydra.overrides.task))
    preferred = str(own.relative_to(folder)).replace("/", "_")
    job = find_or_make_job(folder, overrides, preferred)
    if own != job.folder and own.is_dir() and not any(own.iterdir()):
        own.rmdir()  # Hydra created it
    progress = _SWEEPS[-1] if _SWEEPS else SweepProgress(folder)
    _print_start(progress, job)
    was_done = job.state == DONE
    job = run_job(job, cfg.jobs.gpus)
    _print_end(progress, job, was_done)
    return objectives(job, cfg.jobs.maximize)


def objectives(job: Job, names: Sequence[str]) -> float | tuple[float, ...] | None:
    """One or several accuracies of a job, by name; None if the job failed or ``names`` is empty.

    Raises:
        ConfigError: the probe has no accuracy of that name.
    """
    if job.state != DONE or not names:
        return None
    absent = [name for name in names if name not in job.accuracies]
    if absent:
        measured = ", ".join(job.accuracies) or "nothing (probe=none?)"
        raise ConfigError(
            Option("jobs.maximize", list(names)),
            f"{absent[0]} was not measured",
            f"Measured: {measured}",
            code="TLN-CONFIG-954",
        )
    values = tuple(job.accuracies[name] for name in names)
    return values if len(values) > 1 else values[0]


def _print_start(progress: SweepProgress, job: Job) -> None:
    progress.started += 1
    keys = progress.keys or varied(find_jobs(progress.folder))
    settings = [f"{key.split('.')[-1]}={job.settings.get(key)}" for key in keys]
    number = f"[{progress.started}/{progress.total}] " if progress.total else ""
    print(f"{number}{' '.join(settings) or f'job {job.name}'} …", end="", flush=True)


def _print_end(progress: SweepProgress, job: Job, was_done: bool) -> None:
    if was_done:
        progress.skipped += 1
        print(" was done", flush=True)
        return
    progress.seconds.append(job.seconds)
    parts = [f" {job.seconds:.0f} s"]
    if job.state != DONE:
        parts.append(f"{job.state}: {job.error}")
    elif job.accuracies:
        parts.append(_percent(job.accuracies))
    left = progress.total - progress.started
    if left > 0:
        mean = sum(progress.seconds) / len(progress.seconds)
        end = time.localtime(time.time() + left * mean)
        parts.append(time.strftime("ends %H:%M", end))
    print(", ".join(parts), flush=True)


def _percent(accuracies: Mapping[str, float]) -> str:
    return ", ".join(f"{task} {100 * accuracy:.1f}" for task, accuracy in accuracies.items())


def summarize() -> int:
    """Print the outcome of the sweep that this process has run, if it has run one.

    Returns:
        The exit status: 1 if a job is not done.
    """
    if not _SWEEPS:
        return 0
    folder = _SWEEPS.pop().folder
    jobs = read_sweep(folder)
    unfinished = [job for job in jobs if job.state != DONE]
    done = len(jobs) - len(unfinished)
    print(f"\n{done} of {len(jobs)} jobs done; transliconet report sweep={folder} has the table")
    tasks = SweepPlan.read(folder).maximize
    if done and len(tasks) == 1:
        from transliconet.report.sweep_ranking import Ranking

        print("\n".join(Ranking.from_jobs(jobs, tasks[0]).lines()))
    for job in unfinished:
        print(f"job {job.name} {job.state}: {job.error}\n  {job.folder / LOG}")
    if unfinished:
        print("The same command runs these again and skips the others.")
    return 1 if unfinished else 0
