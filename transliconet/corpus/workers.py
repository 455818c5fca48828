"""Where chunks are worked on: in processes of this machine, or on a Ray cluster."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import Any

from transliconet.errors import (
    ConfigError,
    Option,
    TransliconetError,
    require_choice,
    require_range,
)

ChunkJob = Callable[[int], int]
"""Works on the chunk of that number and returns the number."""

_job: ChunkJob


def _start_worker(job: ChunkJob) -> None:
    global _job  # one job a worker process, so that the romanizer's caches live on between chunks
    _job = job
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker if the main process is killed. It would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # from a thread, sys.exit would end the thread alone


def _work(chunk: int) -> int:
    return _job(chunk)


def run_local(job: ChunkJob, chunks: Sequence[int], processes: int) -> Iterator[int]:
    """Work on chunks in processes of this machine.

    Args:
        job: works on one chunk.
        chunks: their numbers.
        processes: number of processes; 1 works in this one.

    Returns:
        An iterator over the numbers of the chunks, as they are done.

    Raises:
        TransliconetError: a worker was killed.
    """
    if processes == 1 or len(chunks) == 1:
        yield from map(job, chunks)
        return
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(chunks))
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(job,))
    try:
        futures = [pool.submit(_work, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise TransliconetError(
            Option("processes", processes),
            "a worker process was killed, perhaps by the system for its memory",
            "Lower processes and run the same command again: it goes on where it was",
            code="TLN-RUN-100",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _RayWorker:
    def __init__(self, job: ChunkJob) -> None:
        self.job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        for chunk in batch["id"]:
            self.job(int(chunk))
        return batch


def run_ray(job: ChunkJob, chunks: Sequence[int], processes: int) -> Iterator[int]:
    """Work on chunks through Ray Data.

    Joins the cluster that ``RAY_ADDRESS`` names, or starts Ray on this machine. Every node must see
    the output folder under the same path.

    Args:
        job: works on one chunk.
        chunks: their numbers.
        processes: number of actors.

    Returns:
        An iterator over the numbers of the chunks, as they are done.

    Raises:
        ConfigError: Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigError(
            Option("engine", "ray"),
            "Ray is not installed",
            "pip install -e '.[ray]' in a checkout",
            code="TLN-CONFIG-104",
        ) from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    numbers = [{"id": chunk} for chunk in chunks]
    waiting = ray.data.from_items(numbers, override_num_blocks=len(chunks))
    done = waiting.map_batches(
        _RayWorker, fn_constructor_args=(job,), concurrency=processes, batch_size=1
    )
    for row in done.iter_rows():
        yield int(row["id"])


ENGINES = {"local": run_local, "ray": run_ray}


def run_chunks(
    job: ChunkJob, chunks: Sequence[int], processes: int, engine: str = "local"
) -> Iterator[int]:
    """Work on chunks on the engine of a name.

    Args:
        job: works on one chunk.
        chunks: their numbers.
        processes: number of processes or actors.
        engine: a key of :data:`ENGINES`.

    Returns:
        An iterator over the numbers of the chunks, as they are done.

    Raises:
        ConfigError: no such engine, or fewer than one process.
    """
    require_choice("engine", engine, ENGINES)
    require_range("processes", processes, least=1)
    return ENGINES[engine](job, chunks, processes)
