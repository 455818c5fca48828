"""The jobs of a sweep by one task: which is best, and from which it is not told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from transliconet.errors import ConfigError, DataError, Option
from transliconet.probe.results import task_name
from transliconet.probe.significance import Effect, holm
from transliconet.report.changes import interval_points, points
from transliconet.report.effects import TaskDifference
from transliconet.report.sides import Side, match_sides
from transliconet.report.tables import ALL, percent
from transliconet.sweep.job import DONE, Job, measured_tasks

HEADING = "against the best"
"""Heading of the column of differences."""


@dataclass(frozen=True)
class Ranking:
    """Jobs, best first, and how much each differs from the first.

    Args:
        task: Acc@1 of this task, the mean over languages, orders the jobs.
        jobs: those that have the task, best first, then the others.
        effects: job's name → its difference from the first job, query by query, with p-values
            corrected for the number of jobs (Holm).
        untested: job's name → why it was not compared query by query.
    """

    task: str
    jobs: Sequence[Job]
    effects: Mapping[str, Effect] = field(default_factory=dict)
    untested: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_jobs(cls, jobs: Sequence[Job], task: str) -> "Ranking":
        """Order jobs, and test each against the first.

        Raises:
            ConfigError: no job has that task.
        """
        scored = [job for job in jobs if job.state == DONE and task in job.accuracies]
        if not scored:
            measured = measured_tasks(jobs)
            raise ConfigError(
                Option("by", task),
                "no job has it",
                f"Choose one of: {', '.join(measured) or 'nothing was measured yet'}",
                code="TLN-CONFIG-920",
            )
        scored.sort(key=lambda job: -job.accuracies[task])  # equal ones keep their order
        effects: dict[str, Effect] = {}
        untested: dict[str, str] = {}
        for job in scored[1:]:
            try:
                effects[job.name] = _effect(scored[0], job, task)
            except DataError as error:
                untested[job.name] = error.problem
        corrected = holm([effect.p for effect in effects.values()])
        for (name, effect), p in zip(effects.items(), corrected, strict=True):
            effects[name] = replace(effect, p_adjusted=p)
        others = [job for job in jobs if job not in scored]
        return cls(task, [*scored, *others], effects, untested)

    @property
    def equal(self) -> list[Job]:
        """The jobs with exactly the highest accuracy."""
        best = self.jobs[0].accuracies[self.task]
        equal = []
        for job in self.jobs:
            if job.accuracies.get(self.task) == best:
                equal.append(job)
        return equal

    @property
    def not_told_apart(self) -> list[Job]:
        """Jobs with a lower accuracy, whose difference from the first is within noise."""
        close = []
        for job in self.jobs:
            effect = self.effects.get(job.name)
            if effect is not None and effect.verdict == "within noise" and job not in self.equal:
                close.append(job)
        return close

    def cell(self, job: Job) -> str:
        """What the table says of a job."""
        if job in self.equal:
            return "best" if len(self.equal) == 1 else "best, tied"
        if job.name not in self.effects:
            return "not tested" if job.name in self.untested else ""
        effect = self.effects[job.name]
        return f"{points(effect.difference)} ({interval_points(effect.ci95)}), {effect.verdict}"

    def lines(self) -> list[str]:
        """The outcome in sentences."""
        accuracy = percent(self.jobs[0].accuracies[self.task])
        folders = [str(job.folder) for job in self.equal]
        if len(folders) == 1:
            lines = [f"Best by {self.task}: {folders[0]} ({accuracy} %)."]
        else:
            lines = [f"Best by {self.task}, tied at {accuracy} %: {', '.join(folders)}."]
        if names := [job.name for job in self.not_told_apart]:
            lines.append(
                f"Not told apart from job {self.jobs[0].name}: {', '.join(names)} "
                "(paired test over queries, p >= 0.05 after Holm's correction)."
            )
        elif self.effects and len(folders) == 1:
            lines.append("All others are lower by more than noise (paired test over queries).")
        if self.untested:
            reason = next(iter(self.untested.values()))
            lines.append(f"Not tested: jobs {', '.join(self.untested)} ({reason}).")
        if len(self.jobs) > 1:
            lines.append("Another training seed may differ by more.")
        return lines


def _effect(best: Job, job: Job, task: str) -> Effect:
    """The difference of a job from the best.

    Raises:
        DataError: a job has no outcomes of queries, or the two have none in common.
    """
    sides = Side.read(best.folder, "after"), Side.read(job.folder, "after")
    matching = match_sides(*sides)
    if matching.other_candidates:
        raise DataError(
            job.folder,
            "other candidates",
            "Probe all jobs with the same settings",
            code="TLN-DATA-921",
        )
    several = len(sides[0].layers) > 1
    for shared in matching.tasks:
        if task_name(shared.name, shared.layers[0], several) != task:
            continue
        difference = TaskDifference.from_records(shared.baseline, shared.other)
        if difference is not None:
            return difference.effects({ALL: list(difference.scores)})[ALL]
    raise DataError(
        job.folder,
        "no query in common",
        "Probe all jobs with the same settings",
        code="TLN-DATA-922",
    )
