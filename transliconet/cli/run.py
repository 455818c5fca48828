"""``transliconet run``: text and an encoder → pairs, a run with its probe and export, a report.

It executes other commands, one after the other. What each wrote is kept, so that the same command
again continues where it stopped.
"""

import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from transliconet.cli.app import run, start_as
from transliconet.cli.suggest import explain
from transliconet.errors import ConfigError, Option
from transliconet.outputs import claimed_folder, is_kind
from transliconet.storage import atomic_write
from transliconet.sweep.overrides import quoted

OWN_KEYS = ("files", "out", "overwrite")
OF_PREPARE = ("corpus", "clean", "sample", "rules", "processes", "engine")
"""Keys and sections of ``transliconet prepare``. All others are those of ``transliconet train``."""
NO_RECIPE = "experiment=null"
"""Override that leaves out the recipe."""
RECIPE, HELDOUT = "experiment=recommended", "rules.heldout=0.1"
"""What the commands are given unless the command line says otherwise."""
READERS = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".po": "gettext",
    ".mo": "gettext",
    ".tmx": "tmx",
}
"""Suffix of the first file → ``corpus=``; all others are plain text."""
KIND, STAGES = "workflow", "stages.json"
"""Kind of the folder, and its file with what each stage was given."""


@dataclass(frozen=True)
class Workflow:
    """The commands to execute.

    Args:
        out: folder of all results.
        files: the text, as it was named.
        prepare, train: command lines of these stages, without their outputs.
        overwrite: start over where the files or the settings have changed.
    """

    out: Path
    files: Sequence[str]
    prepare: list[str] = field(default_factory=list)
    train: list[str] = field(default_factory=list)
    overwrite: bool = False

    @classmethod
    def from_overrides(cls, overrides: Sequence[str]) -> "Workflow":
        """Distribute a command line to the stages.

        Raises:
            ConfigError: there is no text, or no encoder.
            HydraException, OmegaConfBaseException: an option of its own has no value, or one of
                another type.
        """
        own: list[str] = []
        prepare: list[str] = []
        train: list[str] = []
        for override in overrides:
            section = override.lstrip("+~").partition("=")[0].split(".")[0]
            if section in OWN_KEYS:
                own.append(override)
            else:
                (prepare if section in OF_PREPARE else train).append(override)
        cfg = _composed("run", own)
        files = list(cfg.files)
        if not any(override.startswith(("encoder=", "encoder.path=")) for override in train):
            raise ConfigError(
                "encoder",
                "no value given",
                "Add encoder=e5_small, xlmr_base, … or encoder=FOLDER",
                code="TLN-CONFIG-966",
            )
        if not files and not any(override.startswith("corpus") for override in prepare):
            raise ConfigError(
                "files=[]",
                "no text",
                "Name files: transliconet run hin_Deva.txt kat_Geor.txt …",
                code="TLN-CONFIG-967",
            )
        if files:
            prepare.insert(0, f"corpus.paths=[{','.join(map(_value, files))}]")
            if not any(override.startswith("corpus=") for override in prepare):
                suffix = Path(files[0]).suffix
                prepare.insert(0, f"corpus={READERS.get(suffix, 'text')}")
        if not any(override.startswith("rules.heldout=") for override in prepare):
            prepare.append(HELDOUT)
        if not any(override.startswith("experiment=") for override in train):
            train.insert(0, RECIPE)
        if NO_RECIPE in train:  # Hydra takes no null for a group
            train.remove(NO_RECIPE)
        return cls(Path(cfg.out), files, prepare=prepare, train=train, overwrite=cfg.overwrite)

    @property
    def pairs(self) -> Path:
        return self.out / "pairs"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def report(self) -> Path:
        return self.out / "report"

    def check(self) -> None:
        """Compose the configurations of the stages before the first of them starts.

        Raises:
            StageError: a stage has no such key, or a key has no value.
        """
        stages = {"prepare": self.prepare, "train": [*self.train, "pairs=given"]}
        for stage, overrides in stages.items():
            try:
                cfg = _composed(stage, [*overrides, "out=given"])
                for key in sorted(OmegaConf.missing_keys(cfg)):
                    OmegaConf.select(cfg, key, throw_on_missing=True)
            except (HydraException, OmegaConfBaseException) as error:
                raise StageError(stage, explain(error, stage, overrides)) from error


class StageError(Exception):
    """A stage cannot be composed."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(stage, message)
        self.message = message


def run_stages(overrides: Sequence[str]) -> int:
    """Carry out what is left to do.

    Args:
        overrides: the command line, files with their key.

    Returns:
        The exit status.

    Raises:
        ConfigError: an option is missing, or ``out`` has results of other text.
        StorageError: another process works in ``out``.
    """
    if any(override in ("-m", "--multirun") for override in overrides):
        raise ConfigError("-m", "not with transliconet run", "Use train -m", code="TLN-CONFIG-968")
    workflow = Workflow.from_overrides(overrides)
    try:
        workflow.check()
    except StageError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
    with claimed_folder(workflow.out, KIND, resume=is_kind(workflow.out, KIND)):
        status = _prepare(workflow) or _train(workflow) or _report(workflow)
    if status == 0:
        _print_results(workflow)
    elif status > 128:
        print("The same command goes on from here.", file=sys.stderr)
    return status


def _prepare(workflow: Workflow) -> int:
    done, given = _stages(workflow.out), _given(workflow)
    finished = done.get("prepare") == given and is_kind(workflow.pairs, "pairs")
    if finished:
        print(f"[1/3] pairs are there: {workflow.pairs}", flush=True)
        return 0
    if done and done.get("prepare") != given and not workflow.overwrite:
        raise ConfigError(
            Option("out", workflow.out),
            "holds results of other text or other settings of prepare",
            "Choose another folder, or start over with overwrite=true",
            code="TLN-CONFIG-969",
        )
    shutil.rmtree(workflow.run, ignore_errors=True)  # of other pairs
    _write_stages(workflow.out, {"prepare": given})
    place = [f"out={_value(workflow.pairs)}"]
    if workflow.pairs.exists():
        place.append("overwrite=true")
    return _start(1, "prepare", [*workflow.prepare, *place])


def _train(workflow: Workflow) -> int:
    done = _stages(workflow.out)
    changed = done.get("train") not in (None, workflow.train)
    _write_stages(workflow.out, {**done, "train": workflow.train})
    how = "overwrite=true" if changed and workflow.overwrite else "resume=last"
    place = [f"pairs={_value(workflow.pairs)}", f"out={_value(workflow.run)}", how]
    return _start(2, "train", [*workflow.train, *place])


def _report(workflow: Workflow) -> int:
    results, page = workflow.run / "results.json", workflow.report.with_suffix(".html")
    if page.is_file() and page.stat().st_mtime > results.stat().st_mtime:
        print(f"[3/3] the report is there: {page}", flush=True)
        return 0
    given = [f"results={_value(workflow.run)}", f"out={_value(workflow.report)}"]
    _announce(3, "report", given)
    with redirect_stdout(io.StringIO()):  # training has printed the tables
        return run("report", given)


def _start(number: int, stage: str, overrides: list[str]) -> int:
    """Print a command and execute it; returns its exit status."""
    _announce(number, stage, overrides)
    return run(stage, overrides)


def _announce(number: int, stage: str, overrides: list[str]) -> None:
    print(f"\n[{number}/3] {shlex.join(['transliconet', stage, *overrides])}", flush=True)
    start_as(stage, overrides)


def _value(path: str | Path) -> str:
    """A path as the value of an override, in quotes where it needs them."""
    text = str(path)
    return text if re.fullmatch(r"[A-Za-z][\w./-]*|/[\w./-]+", text) else quoted(text)


def _given(workflow: Workflow) -> dict[str, Any]:
    """What the pairs depend on: the command line of prepare, and the files as they are now."""
    files = []
    for pattern in workflow.files:
        for name in sorted(glob(pattern)):
            about = Path(name).stat()
            files.append([name, about.st_size, about.st_mtime_ns])
    return {"overrides": workflow.prepare, "files": files}


def _stages(out: Path) -> dict[str, Any]:
    """Stage → what it was given, of those that have been started."""
    try:
        content = json.loads((out / STAGES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_stages(out: Path, stages: dict[str, Any]) -> None:
    atomic_write(out / STAGES, json.dumps(stages, ensure_ascii=False, indent=1) + "\n")


def _print_results(workflow: Workflow) -> None:
    """Where everything is, and what the probe found."""
    from transliconet.probe.results import mean_accuracies, read_results

    records = read_results(workflow.run / "results.json")
    print()
    if {"before", "after"} <= records.keys():
        before, after = mean_accuracies(records["before"]), mean_accuracies(records["after"])
        for task, accuracy in after.items():
            change = f"{100 * before[task]:.1f} → {100 * accuracy:.1f}"
            print(f"{task}: {change} % found first, mean over languages")
    print(f"report: {workflow.report.with_suffix('.html')}\nencoder: {workflow.run / 'export'}")


def _composed(command: str, overrides: list[str]) -> Any:
    GlobalHydra.instance().clear()
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        return compose(command, overrides=overrides)
