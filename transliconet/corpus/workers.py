"""Where units are worked on: this machine's processes, or Ray."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from transliconet.errors import ConfigError, TransliconetError, require_choice, require_range

Job = Callable[[int], int]

_job: Job


def _start_worker(job: Job) -> None:
    global _job  # one job a worker, so that the romanizer's caches live from unit to unit
    _job = job


def _work(unit: int) -> int:
    return _job(unit)


def run_local(job: Job, units: Sequence[int], processes: int) -> Iterator[int]:
    """Units as they are done, in ``processes`` processes of this machine.

    Raises:
        TransliconetError: a worker was killed.
    """
    if processes == 1 or len(units) == 1:
        yield from map(job, units)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(units)), context, _start_worker, (job,))
    try:
        for future in as_completed([pool.submit(_work, unit) for unit in units]):
            yield future.result()
    except BrokenProcessPool as error:
        raise TransliconetError(
            f"processes={processes}",
            "a worker was killed, by the system for its memory perhaps",
            "Lower processes and run the same command again: it goes on where it was",
            code="TLN-RUN-100",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _RayWorker:
    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        for unit in batch["id"]:
            self.job(int(unit))
        return batch


def run_ray(job: Job, units: Sequence[int], processes: int) -> Iterator[int]:
    """Units as they are done, through Ray Data, by ``processes`` actors.

    Joins the cluster that ``RAY_ADDRESS`` names, or starts Ray on this machine. Every node must see
    the output folder under the same path.

    Raises:
        ConfigError: Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigError(
            "engine=ray",
            "Ray is not installed",
            "pip install 'transliconet[ray]'",
            code="TLN-CONFIG-104",
        ) from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    done = ray.data.from_items(
        [{"id": unit} for unit in units], override_num_blocks=len(units)
    ).map_batches(_RayWorker, fn_constructor_args=(job,), concurrency=processes, batch_size=1)
    for row in done.iter_rows():
        yield int(row["id"])


ENGINES = {"local": run_local, "ray": run_ray}


def run_chunks(
    job: Job, units: Sequence[int], processes: int, engine: str = "local"
) -> Iterator[int]:
    """Units as they are done, on the ``engine`` of that name."""
    require_choice("engine", engine, ENGINES)
    require_range("processes", processes, least=1)
    return ENGINES[engine](job, units, processes)
