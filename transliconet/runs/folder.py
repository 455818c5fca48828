"""The run folder: everything in it belongs to one run."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from transliconet.errors import CheckpointError, ConfigError, Option
from transliconet.outputs import claimed_folder, is_kind
from transliconet.runs.spec import RunOutput, Settings
from transliconet.storage import atomic_write
from transliconet.train import slurm
from transliconet.train.checkpoint import CHECKPOINTS, LAST, callback_state
from transliconet.train.loggers import is_first_process
from transliconet.train.run_state import RunState

KIND, RUN_FILE, LOG = "run", "run.json", "train.log"
TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Environment variable of processes that torchrun has started."""
FOLDER_VARIABLE = "TRANSLICONET_RUN_FOLDER"
"""Environment variable with the run folder, for further processes of the run."""


@dataclass(frozen=True)
class RunRecord:
    """Content of ``run.json``.

    Args:
        id: identifies the run.
        settings: plain nested containers.
        finished: number of steps, once the run has ended and everything is written; None before.
        slurm_job: the SLURM job that runs it.
        slurm_restarts: how often that job had been requeued when the run was last started.
    """

    id: str
    settings: Mapping[str, Any]
    finished: int | None = None
    slurm_job: str | None = None
    slurm_restarts: int = 0

    def write(self, folder: Path) -> None:
        text = json.dumps(vars(self), ensure_ascii=False, indent=1, default=str)
        atomic_write(folder / RUN_FILE, text + "\n")

    @classmethod
    def read(cls, folder: Path) -> "RunRecord | None":
        """The record of a run folder; None where there is none that can be read."""
        try:
            record = cls(**json.loads((folder / RUN_FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        usable = (
            isinstance(record.id, str)
            and isinstance(record.settings, Mapping)
            and isinstance(record.finished, int | None)
            and isinstance(record.slurm_job, str | None)
            and isinstance(record.slurm_restarts, int)
        )
        return record if usable else None


@dataclass(frozen=True)
class RunPlan:
    """What a run will do in its folder.

    Args:
        path: the folder.
        record: of the run that will be there.
        checkpoint: to resume from; None starts at the first step.
        continues: the folder already holds this run.
        overwrite: the run that the folder holds is deleted first.
    """

    path: Path
    record: RunRecord
    checkpoint: Path | None = None
    continues: bool = False
    overwrite: bool = False

    @property
    def last_checkpoint(self) -> Path:
        return self.path / CHECKPOINTS / LAST


def plan_run(output: RunOutput, settings: Settings) -> RunPlan:
    """Decide on the folder of a run, and on the checkpoint that it starts from.

    A folder is only created if ``out`` is a default name.

    Args:
        output: folder, and what to do with a run in it.
        settings: of the run, compared with those of the run that is continued.

    Raises:
        ConfigError: the folder holds a run, and neither ``resume`` nor ``overwrite`` is given.
        CheckpointError: a setting that the checkpoint decides has changed.
    """
    path = _folder(output)
    ours = is_kind(path, KIND)
    there = RunRecord.read(path) if ours else None
    unreadable = ours and there is None and _has_begun(path)
    job, restarts = slurm.job_name(), slurm.restarts()
    resume, overwrite = output.resume, output.overwrite
    if resume is not None and overwrite:
        raise ConfigError(
            Option("resume", resume),
            "not together with overwrite=true",
            "Give one of them",
            code="TLN-CONFIG-852",
        )
    if restarts and there is not None and there.slurm_job == job:
        resume, overwrite = "last", False  # a job that SLURM has requeued continues by itself
    checkpoint = _checkpoint(resume, path)
    inside = (
        checkpoint is not None and checkpoint.parent.absolute() == (path / CHECKPOINTS).absolute()
    )
    continues = there is not None and (resume == "last" or inside)
    if not is_first_process():  # the first one decides, and may have written its record
        record = RunRecord(uuid4().hex, settings.values)
        if there is not None and continues:
            record = _continued(record, there, settings)
        return RunPlan(path, record, checkpoint=checkpoint)
    if unreadable and not overwrite:
        raise CheckpointError(
            Option("out", output.out),
            f"holds a run whose {RUN_FILE} is missing or damaged",
            f"Start over with overwrite=true, or go on in another folder with resume={path}/"
            f"{CHECKPOINTS}/{LAST}",
            code="TLN-CKPT-854",
        )
    if there is not None and not continues and not overwrite:
        raise ConfigError(
            Option("out", output.out),
            "holds a run already",
            "Go on with resume=last, start over with overwrite=true, or choose another folder",
            code="TLN-CONFIG-850",
        )
    record = RunRecord(
        id=uuid4().hex, settings=settings.values, slurm_job=job, slurm_restarts=restarts
    )
    if there is not None and continues:
        _refuse_changes(there.settings, settings)
        record = _continued(record, there, settings)
    elif checkpoint is not None:
        _refuse_changes(callback_state(checkpoint, RunState.__name__).get("settings", {}), settings)
    return RunPlan(
        path,
        record,
        checkpoint=checkpoint,
        continues=continues,
        overwrite=overwrite and (there is not None or unreadable),
    )


def _continued(record: RunRecord, there: RunRecord, settings: Settings) -> RunRecord:
    """The record of the run that is there and goes on. It has finished only if no setting changed;
    all processes must agree on that, or some would wait for those that ended.
    """
    changed = _changed(there.settings, settings.values, settings.place)
    return replace(record, id=there.id, finished=None if changed else there.finished)


def _has_begun(path: Path) -> bool:
    """Whether a folder has more of a run than its marker and lock."""
    return any((path / name).exists() for name in (RUN_FILE, CHECKPOINTS))


@contextmanager
def claimed(plan: RunPlan) -> Iterator[None]:
    """Own the run folder within the block. Further processes of the run do nothing.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.claimed_folder`.
    """
    if not is_first_process():
        yield
        return
    ours = is_kind(plan.path, KIND)
    with claimed_folder(
        plan.path, KIND, overwrite=plan.overwrite, resume=ours and not plan.overwrite
    ):
        replace(plan.record, finished=None).write(plan.path)
        os.environ[FOLDER_VARIABLE] = str(plan.path)
        handler = logging.FileHandler(plan.path / LOG, encoding="utf-8")
        handler.setFormatter(logging.Formatter("[%(asctime)s] %(message)s"))
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            os.environ.pop(FOLDER_VARIABLE, None)
            logging.getLogger().removeHandler(handler)
            handler.close()


def release(plan: RunPlan) -> None:
    """Remove a folder that :func:`plan_run` created, if nothing was written to it."""
    with suppress(OSError):
        plan.path.rmdir()


def _folder(output: RunOutput) -> Path:
    path = Path(output.out).expanduser().absolute()
    if output.numbered and TORCHRUN in os.environ:
        raise ConfigError(
            Option("out", output.out),
            "the processes that torchrun starts cannot agree on a default folder",
            "Name one: out=FOLDER",
            code="TLN-CONFIG-858",
        )
    if not is_first_process():
        return Path(os.environ.get(FOLDER_VARIABLE, path))
    return _numbered(path) if output.numbered else path


def _numbered(path: Path) -> Path:
    """The first free folder of NAME, NAME-2, ….

    After SLURM has requeued a job, its commands run again in the same order. Then it is the first
    folder of this job that has not been continued yet.
    """
    job, restarts = slurm.job_name(), slurm.restarts()
    for number in count(1):
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        record = RunRecord.read(candidate)
        if record is None:
            with suppress(FileExistsError):
                candidate.mkdir(parents=True)
                return candidate
        elif restarts and record.slurm_job == job and record.slurm_restarts < restarts:
            return candidate
    raise AssertionError("count() does not end")


def _checkpoint(resume: str | None, path: Path) -> Path | None:
    """The checkpoint to resume from, if there is one."""
    if resume is None:
        return None
    if resume != "last":
        return Path(resume).expanduser()
    last = path / CHECKPOINTS / LAST
    return last if last.exists() else None


def _refuse_changes(then: Mapping[str, Any], settings: Settings) -> None:
    decided = _changed(then, settings.values, [*settings.changeable, *settings.place])
    if not then or not decided:
        return
    differences = [f"{key} {before}, not {now}" for key, (before, now) in decided.items()]
    raise CheckpointError(
        "resume",
        f"the run had {'; '.join(differences[:3])}",
        "Keep what the run had, or start another run from an export of it",
        code="TLN-CKPT-850",
    )


def _changed(
    then: Mapping[str, Any], now: Mapping[str, Any], ignored: Sequence[str]
) -> dict[str, tuple[Any, Any]]:
    """Dotted key → both values, of all settings that differ and are not ignored."""
    before, after = flat(_plain(then)), flat(_plain(now))
    changed = {}
    for key in sorted(before.keys() | after.keys()):
        under = [key == name or key.startswith(f"{name}.") for name in ignored]
        if not any(under) and before.get(key) != after.get(key):
            changed[key] = (before.get(key), after.get(key))
    return changed


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in the form in which they are read from a JSON file."""
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return plain


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys.

    >>> flat({"data": {"window": 1}, "seed": 0})
    {'data.window': 1, 'seed': 0}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
