"""The Pareto front of a sweep's jobs, between two tasks."""

from collections.abc import Mapping, Sequence

from transliconet.sweep.job import DONE, Job

WITHIN_LANGUAGE = ("native→romanized", "romanized→native")


def tradeoff_tasks(accuracies: Mapping[str, float]) -> tuple[str, str]:
    """The two tasks between which a recipe is a trade-off: retrieval of a pivot language from
    native and from romanized text. Without a pivot they are the two directions within a language.

    >>> tradeoff_tasks({"native→romanized": 0.9, "native→eng_Latn": 0.8, "romanized→eng_Latn": 0.7})
    ('native→eng_Latn', 'romanized→eng_Latn')
    """
    for task in accuracies:
        other = task.replace("native→", "romanized→", 1)
        if task.startswith("native→") and task not in WITHIN_LANGUAGE and other in accuracies:
            return task, other
    return WITHIN_LANGUAGE


def pareto_front(jobs: Sequence[Job]) -> list[Job]:
    """The Pareto front: the jobs than which no other job is better in one of
    :func:`tradeoff_tasks` and at least as good in the other.
    """
    done = [job for job in jobs if job.state == DONE and job.accuracies]
    if not done:
        return []
    tasks = tradeoff_tasks(done[0].accuracies)
    x_task, y_task = tasks
    scored = [job for job in done if job.accuracies.keys() >= set(tasks)]
    points = {job.name: (job.accuracies[x_task], job.accuracies[y_task]) for job in scored}
    front = []
    for job in scored:
        point = points[job.name]
        if not any(_dominates(other, point) for other in points.values()):
            front.append(job)
    return front


def _dominates(point: Sequence[float], other: Sequence[float]) -> bool:
    """Whether ``point`` is at least as good as ``other`` everywhere, and better somewhere."""
    at_least = [a >= b for a, b in zip(point, other, strict=True)]
    return all(at_least) and point != other
