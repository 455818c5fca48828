"""A sweep in one table and one picture: what each job changed, and what that did."""

from collections.abc import Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from transliconet.report.figures import svg_of
from transliconet.report.html import document, drawing, section, table
from transliconet.report.maps import COLOURS
from transliconet.report.plots import blank
from transliconet.report.tables import markdown_table, percent
from transliconet.sweep.job import DONE, Job, varied

WITHIN = ("native→romanized", "romanized→native")
OTHER, CHOSEN = COLOURS[:2]


def tradeoff_tasks(accuracies: Mapping[str, float]) -> tuple[str, str]:
    """The two tasks that a recipe is chosen by: what native and what romanized text retrieves in a
    pivot language.

    Without a pivot, the two directions between the scripts.

    >>> tradeoff_tasks({"native→romanized": 0.9, "native→eng_Latn": 0.8, "romanized→eng_Latn": 0.7})
    ('native→eng_Latn', 'romanized→eng_Latn')
    """
    for task in accuracies:
        other = task.replace("native→", "romanized→", 1)
        if task.startswith("native→") and task not in WITHIN and other in accuracies:
            return task, other
    return WITHIN


def undominated(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that no other beats in one of :func:`tradeoff_tasks` without being worse in the
    other (Pareto front).
    """
    done = [job for job in jobs if job.state == DONE and job.accuracies]
    if not done:
        return []
    tasks = tradeoff_tasks(done[0].accuracies)
    points = {job.name: tuple(job.accuracies[task] for task in tasks) for job in done}

    def beaten(point: tuple[float, ...]) -> bool:
        return any(
            all(a >= b for a, b in zip(p, point, strict=True)) and p != point
            for p in points.values()
        )

    return [job for job in done if not beaten(points[job.name])]


def sweep_rows(jobs: Sequence[Job]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table: number, state, whether on the front, what varies, accuracies in
    percent, seconds.
    """
    keys, best = varied(jobs), {job.name for job in undominated(jobs)}
    tasks = list(dict.fromkeys(task for job in jobs for task in job.accuracies))
    rows = [
        [
            job.name,
            job.state,
            "best" if job.name in best else "",
            *(job.settings.get(key, "") for key in keys),
            *(percent(job.accuracies[task]) if task in job.accuracies else "" for task in tasks),
            f"{job.seconds:.0f}",
        ]
        for job in jobs
    ]
    return ["job", "state", "trade-off", *keys, *tasks, "s"], rows


def plot_tradeoff(jobs: Sequence[Job]) -> Figure:
    """Acc@1 of romanized text against that of native text, a point a job with its number; the front
    stands out.
    """
    best = undominated(jobs)
    x_task, y_task = tradeoff_tasks(best[0].accuracies) if best else WITHIN
    figure = blank(6.4, 5)
    ax = figure.add_subplot()
    for job in jobs:
        if job.state == DONE and job.accuracies:
            x, y = (100 * job.accuracies[task] for task in (x_task, y_task))
            front = job in best
            ax.plot(
                x, y, "o" if front else "s", color=CHOSEN if front else OTHER, ms=9 if front else 6
            )
            ax.annotate(job.name, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=9)
    ax.set(xlabel=f"{x_task}, Acc@1 (%)", ylabel=f"{y_task}, Acc@1 (%)")
    ax.set_title(
        "no other job is better in one and as good in the other: ●",
        loc="left",
        fontsize=9,
        color=CHOSEN,
    )
    ax.grid(alpha=0.3)
    return figure


def sweep_markdown(jobs: Sequence[Job]) -> str:
    """The table, and below it what each job that is not done said."""
    heads, rows = sweep_rows(jobs)
    errors = [f"- job {job.name} {job.state}: {job.error}" for job in jobs if job.error]
    return "\n\n".join([markdown_table(rows, heads), *(["\n".join(errors)] if errors else [])])


def sweep_page(jobs: Sequence[Job], title: str) -> str:
    """One HTML page that needs no network: the picture, the table, the errors and what all jobs
    share.
    """
    heads, rows = sweep_rows(jobs)
    differing = varied(jobs)
    shared = [f"{key}={value}" for key, value in jobs[0].settings.items() if key not in differing]
    errors = "".join(
        f"<li>job {escape(job.name)} {job.state}: {escape(job.error)}</li>"
        for job in jobs
        if job.error
    )
    sections = [
        section("Jobs", f"<p>Acc@1 in percent, mean over languages.</p>{table(heads, rows)}")
    ]
    if undominated(jobs):
        sections.append(section("Trade-off", drawing("trade-off", svg_of(plot_tradeoff(jobs)))))
    if errors:
        sections.append(section("Not done", f"<ul>{errors}</ul>"))
    sections.append(section("Shared settings", f"<pre>{escape(chr(10).join(shared))}</pre>"))
    return document(title, sections)
