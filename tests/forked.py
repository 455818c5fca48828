"""``transliconet`` in a process of its own that is forked from one which has imported everything:
it starts in a tenth of a second, where a new interpreter imports for seconds.

The process differs from a new one in three things: modules are imported already, its hash seed is
the same as that of every other, and its parent is not the test. What depends on one of them starts
an interpreter.
"""

import atexit
import multiprocessing
import os
import random
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import cast

import numpy as np

ROOT = Path(__file__).parents[1]
SCRIPT = Path(sys.executable).with_name("transliconet")
IMPORTED = (
    "altair",
    "faiss",
    "pytorch_lightning.loggers",
    "tensorboard.summary.writer.event_file_writer",
    "torch.utils.tensorboard",
    "torch._dynamo",
    "torch.distributed.checkpoint",
    "torch.distributed.fsdp",
    "transformers.models.xlm_roberta.modeling_xlm_roberta",
    "transliconet.cli.export",
    "transliconet.cli.prepare",
    "transliconet.cli.probe",
    "transliconet.cli.report",
    "transliconet.cli.multirun",
    "transliconet.cli.train",
    "transliconet.cli.vocab",
    "transliconet.romanizers.uroman",
)
CONTEXT = multiprocessing.get_context("forkserver")


def start_server() -> None:
    """Start the process that imports everything, unless it runs. Processes of the start method
    ``forkserver`` are forked from it, also those that ``torch.multiprocessing`` starts.
    """
    CONTEXT.set_forkserver_preload(list(IMPORTED))
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "PYTHONPATH")}
    path = [str(ROOT), *filter(None, [before["PYTHONPATH"]])]
    # a process that has started threads must not be forked
    os.environ.update(OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join(path))
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _run(
    arguments: Sequence[str], cwd: str, environment: Mapping[str, str], outputs: Sequence[str]
) -> None:
    """What the forked process does: it becomes a ``transliconet`` that was started by a shell."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [folder for folder in added if folder and folder not in sys.path]
    for descriptor, file in enumerate(outputs, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), descriptor)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    # a child of the server would start its own processes as the server does, a new one forks
    multiprocessing.set_start_method(None, force=True)
    # every forked process has the server's state, a new interpreter one of its own
    random.seed()
    np.random.seed()
    from transliconet.cli import app

    # Lightning starts the other processes of a run by this command, unless __main__ is a module
    sys.argv[:] = [str(SCRIPT), *arguments]
    app._ORIGINAL_ARGV[:] = sys.argv
    sys.modules["__main__"].__spec__ = None
    status = app.main()
    atexit._run_exitfuncs()
    sys.exit(status)


def run_rank(arguments: Sequence[str], cwd: str, outputs: Sequence[str]) -> int:
    """The same in a process that an elastic agent forked, whose rank is in the environment.

    Returns:
        The exit status: the agent waits for what a function returns.
    """
    try:
        _run(arguments, cwd, dict(os.environ), outputs)
    except SystemExit as ended:
        return cast(int, ended.code)
    raise AssertionError("a command ends with a status")


class ForkedCli:
    """A running ``transliconet``, with the methods of a ``subprocess.Popen`` that tests use.

    Args:
        arguments: of the command.
        cwd: its working folder.
        env: variables of its environment, beside those of this process.
    """

    def __init__(
        self, arguments: Sequence[str | Path], cwd: Path | None, env: Mapping[str, str]
    ) -> None:
        start_server()
        self._folder = tempfile.TemporaryDirectory(prefix="transliconet-output-")
        self._outputs = [Path(self._folder.name) / name for name in ("out", "err")]
        for file in self._outputs:
            file.touch()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **env}
        files = [str(file) for file in self._outputs]
        call = ([*map(str, arguments)], str(cwd or Path.cwd()), environment, files)
        self._process = CONTEXT.Process(target=_run, args=call)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self._process.pid is not None and self.returncode is None:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kill it with the processes that it started: those that load data would go on for seconds,
        and keep the run's folder locked.
        """
        if self._process.pid is not None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Wait for the end. Returns what went to stdout and to stderr."""
        self._process.join(timeout)
        if self.returncode is None:
            self._process.kill()
            raise TimeoutError(f"not finished after {timeout} s")
        out, err = (file.read_text(encoding="utf-8", errors="replace") for file in self._outputs)
        return out, err
