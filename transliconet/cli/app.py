"""The console script: runs a command under Hydra, and prints an error as one message."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from importlib import import_module

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from transliconet import __version__
from transliconet.cli.early import check_before_loading, shows_progress
from transliconet.cli.problems import SeveralErrors
from transliconet.cli.suggest import explain
from transliconet.cli.words import with_named_words
from transliconet.errors import Interrupted, TransliconetError
from transliconet.progress import progress_shown
from transliconet.sweep.environment import stop_with_the_sweep
from transliconet.third_party import LIGHTNING, ignore_warnings
from transliconet.train import slurm

HELP_FLAGS = ("-h", "--help")
COMMANDS = {
    "run": "text and an encoder → pairs, a trained encoder, its probe and a report, in one go",
    "prepare": "text in files, tables, datasets or CLDR → a pairs folder",
    "vocab": "an encoder → the same encoder with another vocabulary",
    "train": "a pairs folder and an encoder → a run folder, with export and probe",
    "export": "a checkpoint of a run → a plain Hugging Face folder",
    "probe": "an encoder and a pairs folder → retrieval accuracy within and across languages",
    "search": "a sentence, an encoder and a pairs folder → the nearest sentences across scripts",
    "transfer": "an encoder and a labelled task → accuracy in languages that it was not taught in",
    "mteb": "an encoder and tasks of MTEB, or your own → their scores, native and romanized",
    "sweep": "the folder of a sweep → the state of its jobs, also while they run",
    "report": "results files → tables and one HTML page",
    "compare": "two or more results → how much they differ, and whether it is more than noise",
}
USAGE = f"""transliconet {__version__}: bring a sentence and its romanization to the same place

usage: transliconet COMMAND [key=value …] [-m]

{os.linesep.join(f"  {name:<9}{what}" for name, what in COMMANDS.items())}

`transliconet COMMAND --help` shows a command's options. -m runs the command once for each of the
comma-separated values of an option. `transliconet --completion bash` prints a completion script."""


def main() -> int:
    """Entry point of ``transliconet``; the return value is the exit status."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in HELP_FLAGS:
        print(USAGE)
        return 0
    if arguments[0] == "--version":
        print(__version__)
        return 0
    if arguments[0] == "--completion":
        from transliconet.cli.completion import completion_script

        print(completion_script(list(COMMANDS)))
        return 0
    command = arguments[0]
    if command not in COMMANDS:
        close = get_close_matches(command, COMMANDS, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        print(
            f"error: {command}: not a command. {hint}The commands are {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
        return 2
    return run(command, arguments[1:])


def run(command: str, overrides: list[str]) -> int:
    """Run a command. An error that the user can correct becomes one message and exit status 1.

    Args:
        command: one of :data:`COMMANDS`.
        overrides: the rest of the command line, for Hydra.

    Returns:
        The exit status.
    """
    # Hydra then raises errors instead of printing a shortened traceback
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _quieten()
    stop_with_the_sweep()
    overrides = with_named_words(command, overrides)
    if any(override in HELP_FLAGS for override in overrides):
        return _print_help(command, overrides)
    original = sys.argv
    sys.argv = [f"transliconet {command}", *overrides]
    try:
        return _carry_out(command, overrides)
    except Interrupted as stopped:
        if int(os.environ.get("LOCAL_RANK", "0")):
            # where another process fails, Lightning kills the first one before it has finished
            return 0
        print(stopped, file=sys.stderr)
        return 128 + stopped.signal
    except USER_ERRORS as error:
        print(f"error: {explain(error, command, overrides)}", file=sys.stderr)
        return 1
    except SeveralErrors as several:
        for each in several.errors:
            print(f"error: {explain(each, command, overrides)}", file=sys.stderr)
        return 1
    except SweepRefused as refused:
        print(f"error: {explain(refused.error, command, overrides)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print(str(interrupt) or "interrupted", file=sys.stderr)
        return 128 + getattr(interrupt, "signal", signal.SIGINT)
    finally:
        sys.argv = original


def _carry_out(command: str, overrides: list[str]) -> int:
    """Run a command; returns the exit status."""
    if command == "run":
        return int(import_module("transliconet.cli.run").run_stages(overrides))
    _hydra_main(command)()
    if _ERRORS:
        raise _ERRORS.pop()
    if command == "train":
        return int(import_module("transliconet.cli.multirun").summarize())
    return 0


def start_as(command: str, overrides: Sequence[str]) -> None:
    """Have further processes of a run, which Lightning starts, execute another command."""
    _ORIGINAL_ARGV[1:] = [command, *overrides]


def _print_help(command: str, overrides: list[str]) -> int:
    """Print the help of a command; returns the exit status."""
    from transliconet.cli.help import help_text

    try:
        print(help_text(command, overrides))
    except USER_ERRORS as error:
        print(f"error: {explain(error, command, overrides)}", file=sys.stderr)
        return 1
    return 0


USER_ERRORS = (TransliconetError, HydraException, OmegaConfBaseException)
"""What a change of the command line or its input can correct."""
IDLE_MESSAGES = ("litlogger", "TPU available", "Loading `train_dataloader`")
"""Parts of messages of Lightning's that are left out."""
_ORIGINAL_ARGV = list(sys.argv)
_ERRORS: list[Exception] = []
"""The error that ended the command, for :func:`run` to print."""


@cache
def run_name() -> str:
    """Default name of a run: the time. In a SLURM job it is the job's number and a digest of the
    command line, so that the job finds its run again when it is requeued.
    """
    job = slurm.job_name()
    if job is None:
        return time.strftime("%Y-%m-%d_%H-%M-%S")
    digest = sha256("\0".join(sys.argv[1:]).encode()).hexdigest()[:6]
    return f"slurm-{job}-{digest}"


OmegaConf.register_new_resolver("run_name", run_name, replace=True)


class SweepRefused(BaseException):
    """A sweep cannot start. Hydra turns any ``Exception`` of a callback into a warning."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _hydra_main(command: str) -> Callable[[], None]:
    """The Hydra main of a command.

    The command's module is imported after the configuration is composed. So a mistake in a key is
    reported before torch is imported, which takes seconds.
    """

    def task(cfg: DictConfig) -> object:
        # Lightning starts further processes by running sys.argv again: it must name the command
        sys.argv = list(_ORIGINAL_ARGV)
        in_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        if in_sweep and command == "train":
            from transliconet.cli.multirun import run_as_job

            return run_as_job(cfg)  # sweepers optimize the returned value
        try:
            check_before_loading(command, cfg)
            with progress_shown(shows_progress(cfg)):
                return import_module(f"transliconet.cli.{command}").main(cfg)
        except (*USER_ERRORS, SeveralErrors) as error:
            if in_sweep:
                raise
            _ERRORS.append(error)  # if it were raised here, Hydra would print a line of its own
            return None

    return hydra.main(
        version_base="1.3", config_path="pkg://transliconet.conf", config_name=command
    )(task)


def _quieten() -> None:
    """Silence messages of libraries about which a user can do nothing."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    ignore_warnings()
    for chatty in ("huggingface_hub", "httpx", "httpx2", "alembic", "faiss.loader"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    logging.getLogger(LIGHTNING).addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a message of Lightning's tells a user something."""
    message = record.getMessage()
    return not any(idle in message for idle in IDLE_MESSAGES)
