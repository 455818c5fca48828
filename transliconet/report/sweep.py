"""A sweep in one table and one plot: the settings and the results of each job."""

from collections.abc import Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from transliconet.report.figures import svg_of
from transliconet.report.html import document, drawing, section, table
from transliconet.report.maps import COLOURS
from transliconet.report.plots import new_figure
from transliconet.report.tables import markdown_table, percent
from transliconet.sweep.job import DONE, Job, varied

WITHIN_LANGUAGE = ("native→romanized", "romanized→native")
JOB_COLOUR, FRONT_COLOUR = COLOURS[:2]


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


def sweep_rows(jobs: Sequence[Job]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the table: number, state, whether the job is on the Pareto front,
    settings that differ between jobs, accuracies in percent, and seconds.
    """
    keys = varied(jobs)
    front = {job.name for job in pareto_front(jobs)}
    tasks = list(dict.fromkeys(task for job in jobs for task in job.accuracies))
    rows = []
    for job in jobs:
        row = [job.name, job.state, "best" if job.name in front else ""]
        row += [job.settings.get(key, "") for key in keys]
        for task in tasks:
            row.append(percent(job.accuracies[task]) if task in job.accuracies else "")
        rows.append([*row, f"{job.seconds:.0f}"])
    return ["job", "state", "trade-off", *keys, *tasks, "s"], rows


def plot_tradeoff(jobs: Sequence[Job]) -> Figure:
    """Plot Acc@1 of romanized text over that of native text, with a point for each job and the
    Pareto front emphasized.
    """
    front = pareto_front(jobs)
    x_task, y_task = tradeoff_tasks(front[0].accuracies) if front else WITHIN_LANGUAGE
    figure = new_figure(6.4, 5)
    ax = figure.add_subplot()
    for job in jobs:
        if job.state != DONE or not {x_task, y_task} <= job.accuracies.keys():
            continue
        x, y = 100 * job.accuracies[x_task], 100 * job.accuracies[y_task]
        marker, colour, size = ("o", FRONT_COLOUR, 9) if job in front else ("s", JOB_COLOUR, 6)
        ax.plot(x, y, marker, color=colour, ms=size)
        ax.annotate(job.name, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=9)
    ax.set(xlabel=f"{x_task}, Acc@1 (%)", ylabel=f"{y_task}, Acc@1 (%)")
    title = "● Pareto front: no other job is better in one and as good in the other"
    ax.set_title(title, loc="left", fontsize=9, color=FRONT_COLOUR)
    ax.grid(alpha=0.3)
    return figure


def sweep_markdown(jobs: Sequence[Job]) -> str:
    """The table, followed by the error of each job that failed."""
    headings, rows = sweep_rows(jobs)
    parts = [markdown_table(rows, headings)]
    errors = [f"- job {job.name} {job.state}: {job.error}" for job in jobs if job.error]
    if errors:
        parts.append("\n".join(errors))
    return "\n\n".join(parts)


def sweep_page(jobs: Sequence[Job], title: str) -> str:
    """One HTML page that needs no network: the plot, the table, the errors and the settings that
    all jobs share.
    """
    headings, rows = sweep_rows(jobs)
    note = "<p>Acc@1 in percent, mean over languages.</p>"
    sections = [section("Jobs", note + table(headings, rows))]
    if pareto_front(jobs):
        sections.append(section("Trade-off", drawing("trade-off", svg_of(plot_tradeoff(jobs)))))
    errors = []
    for job in jobs:
        if job.error:
            errors.append(f"<li>job {escape(job.name)} {job.state}: {escape(job.error)}</li>")
    if errors:
        sections.append(section("Not finished", f"<ul>{''.join(errors)}</ul>"))
    differing = varied(jobs)
    shared = [f"{key}={value}" for key, value in jobs[0].settings.items() if key not in differing]
    sections.append(section("Shared settings", f"<pre>{escape(chr(10).join(shared))}</pre>"))
    return document(title, sections)
