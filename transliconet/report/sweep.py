"""A sweep in one table and one plot: the settings and the results of each job."""

from collections.abc import Sequence
from html import escape

from transliconet.report.figures import sweep_figures
from transliconet.report.html import chart, document, section, table
from transliconet.report.sweep_front import pareto_front, tradeoff_tasks
from transliconet.report.sweep_ranking import HEADING, Ranking
from transliconet.report.tables import markdown_table, percent
from transliconet.sweep.job import Job, measured_tasks, varied


def sweep_rows(
    jobs: Sequence[Job], ranking: Ranking | None = None
) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the table: number, state, whether the job is on the Pareto front,
    settings that differ between jobs, accuracies in percent, and seconds.

    Args:
        jobs: of a sweep.
        ranking: of these jobs; the rows are in its order, and say how much each differs from the
            best. None leaves their order.
    """
    keys = varied(jobs)
    front = {job.name for job in pareto_front(jobs)}
    tasks = measured_tasks(jobs)
    against = []
    if ranking is not None:
        jobs, against = ranking.jobs, [HEADING]
    rows = []
    for job in jobs:
        row = [job.name, job.state, "front" if job.name in front else ""]
        if ranking is not None:
            row.append(ranking.cell(job))
        row += [job.settings.get(key, "") for key in keys]
        for task in tasks:
            row.append(accuracy_percent(job, task))
        rows.append([*row, f"{job.seconds:.0f}"])
    return ["job", "state", "trade-off", *against, *keys, *tasks, "s"], rows


def accuracy_percent(job: Job, task: str) -> str:
    """An accuracy of a job in percent; empty if it has none."""
    return percent(job.accuracies[task]) if task in job.accuracies else ""


def front_note(jobs: Sequence[Job]) -> str:
    """What the column ``trade-off`` means; empty where no job is done."""
    front = pareto_front(jobs)
    if not front:
        return ""
    x_task, y_task = tradeoff_tasks(front[0].accuracies)
    scored = [job for job in jobs if {x_task, y_task} <= job.accuracies.keys()]
    return (
        f"front: no other job is better in one of {x_task} and {y_task} and as good in the other "
        f"({len(front)} of {len(scored)} jobs)."
    )


def sweep_markdown(jobs: Sequence[Job], ranking: Ranking | None = None) -> str:
    """The outcome, the table, and the error of each job that failed."""
    headings, rows = sweep_rows(jobs, ranking)
    parts = [markdown_table(rows, headings)]
    if ranking is not None:
        parts.insert(0, " ".join(ranking.lines()))
    if note := front_note(jobs):
        parts.append(note)
    errors = [f"- job {job.name} {job.state}: {job.error}" for job in jobs if job.error]
    if errors:
        parts.append("\n".join(errors))
    return "\n\n".join(parts)


def sweep_page(jobs: Sequence[Job], title: str, ranking: Ranking | None = None) -> str:
    """One HTML page that needs no network: the outcome, the table, the plots, the errors and the
    settings that all jobs share.
    """
    headings, rows = sweep_rows(jobs, ranking)
    note = f"<p>Acc@1 in percent, mean over languages. {escape(front_note(jobs))}</p>"
    by = None
    if ranking is not None:
        by = ranking.task
        note = f"<p>{escape(' '.join(ranking.lines()))}</p>{note}"
    sections = [section("Jobs", note + table(headings, rows))]
    for heading, figure in sweep_figures(jobs, by).items():
        sections.append(section(heading, chart(figure.description, figure)))
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
