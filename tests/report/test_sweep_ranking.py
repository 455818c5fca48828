"""The jobs of a sweep by one task: order, ties, figures whose labels can be read, and the state of
jobs while they run.
"""

import random
from dataclasses import replace
from pathlib import Path

from tests.report.test_changes import record
from tests.settings import CliHere, raises
from transliconet.cli.sweep import status
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import mean_accuracies, write_results
from transliconet.report.labels import Plane, label_box, place_labels
from transliconet.report.parallel_plot import plot_parallel
from transliconet.report.sweep_plots import plot_tradeoff
from transliconet.report.sweep_ranking import Ranking
from transliconet.storage import file_lock
from transliconet.sweep.job import DONE, FAILED, LOCK_FILE, RUNNING, Job, read_sweep
from transliconet.sweep.plan import SweepPlan

TASK = "native→romanized"


def make_job(sweep: Path, number: int, right: int, of: int = 100, outcomes: bool = True) -> Job:
    """A job that has been done, with a language in which ``right`` queries were found first."""
    place = sweep / str(number)
    place.mkdir(parents=True)
    records: list[RetrievalRecord] = [record("rus_Cyrl", right, of)]
    if not outcomes:
        records = [replace(each, outcomes=None) for each in records]
    write_results(place / "results.json", {"after": records}, {}, {})
    settings = [f"optim.optimizer.lr={number}e-4", "seed=0"]
    done = mean_accuracies(records)
    job = Job(place, settings, DONE, "", 10.0 + number, done)
    job.write()
    return job


def test_a_clear_winner_is_named_by_its_folder(tmp_path: Path) -> None:
    jobs = [make_job(tmp_path, n, right) for n, right in enumerate((20, 90, 30))]
    failed = Job(tmp_path / "3", ["seed=9"], FAILED, "no")
    ranking = Ranking.from_jobs([*jobs, failed], TASK)
    assert [job.name for job in ranking.jobs] == ["1", "2", "0", "3"]
    assert ranking.lines()[0] == f"Best by {TASK}: {tmp_path / '1'} (90.0 %)."
    assert ranking.lines()[1].startswith("All others are lower by more than noise")
    cells = [ranking.cell(job) for job in ranking.jobs]
    assert cells[0] == "best"
    assert cells[1].startswith("-60.0 (")
    assert cells[1].endswith(", worse")
    assert cells[3] == ""


def test_ties_are_told(tmp_path: Path) -> None:
    """Equal accuracies, and those that a test does not tell apart."""
    jobs = [make_job(tmp_path, n, right) for n, right in enumerate((88, 90, 10, 90))]
    ranking = Ranking.from_jobs(jobs, TASK)
    assert [job.name for job in ranking.jobs] == ["1", "3", "0", "2"]
    first, second, *_ = ranking.lines()
    assert first == f"Best by {TASK}, tied at 90.0 %: {tmp_path / '1'}, {tmp_path / '3'}."
    assert second.startswith("Not told apart from job 1: 0 (paired test")
    assert [ranking.cell(job) for job in ranking.jobs[:2]] == ["best, tied"] * 2
    assert ranking.cell(jobs[0]).endswith("within noise")
    assert ranking.cell(jobs[2]).endswith("worse")


def test_without_outcomes_nothing_is_claimed(tmp_path: Path) -> None:
    jobs = [make_job(tmp_path, n, right, outcomes=False) for n, right in enumerate((80, 90))]
    ranking = Ranking.from_jobs(jobs, TASK)
    assert ranking.cell(jobs[0]) == "not tested"
    assert any(line.startswith("Not tested: jobs 0 (") for line in ranking.lines())
    assert not any("noise" in line for line in ranking.lines())


def test_a_report_is_sorted_by_a_task(tmp_path: Path, cli_here: CliHere) -> None:
    sweep = tmp_path / "sweep"
    for number, right in enumerate((20, 90, 30)):
        make_job(sweep, number, right)
    done = cli_here("report", "sweep=sweep", f"by={TASK}", "format=[html,csv]", "out=table")
    assert done.status == 0, done.err
    rows = [line for line in done.out.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["job", "1", "2", "0"]
    assert "Best by native→romanized: sweep/1 (90.0 %)." in done.out
    assert "Best by" in Path("table.html").read_text(encoding="utf-8")
    lines = Path("table.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "0"]
    # what a sweep maximizes orders its report
    SweepPlan(3, [TASK]).write(sweep)
    assert "Best by" in cli_here("report", "sweep=sweep", "out=table").out
    with raises("TLN-CONFIG-920"):
        Ranking.from_jobs(read_sweep(sweep), "native→fra_Latn")


def test_labels_do_not_cover_each_other() -> None:
    """Forty jobs close to each other, three of them at one point, at any width."""
    rng = random.Random(0)
    points = [(rng.gauss(0.8, 0.004), rng.gauss(0.6, 0.004)) for _ in range(38)]
    labels = {point: str(number) for number, point in enumerate(points)}
    plane = Plane((0.785, 0.815), (0.585, 0.615), (230, 1000), 330)
    offsets = place_labels(labels, points, plane)
    assert 5 < len(offsets) < len(points)
    for width in (230, 400, 700, 1000):
        at_width = Plane(plane.x, plane.y, (width, width), plane.height)
        boxes = []
        for point, offset in offsets.items():
            boxes.append(label_box(point, labels[point], offset, at_width))
        assert all(box.is_within(at_width) for box in boxes)
        overlaps = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.meets(b)]
        assert overlaps == []
    assert place_labels({}, [], plane) == {}


def test_the_front_is_labelled_and_the_pointer_shows_the_rest() -> None:
    values = [(0.8, 0.5), (0.7, 0.6), (0.6, 0.4), (0.8, 0.5)]
    jobs = []
    for number, (x, y) in enumerate(values):
        found = {"native→eng_Latn": x, "romanized→eng_Latn": y}
        jobs.append(Job(Path(f"s/{number}"), [f"a.lr={number}"], DONE, "", 1.0, found))
    figure = plot_tradeoff(jobs)
    rows = figure.datasets["jobs"]
    assert [row.get("label") for row in rows] == ["0, 3", "1", None]
    assert [row["settings"] for row in rows] == ["lr=0; lr=3", "lr=1", "lr=2"]
    assert "of 4 jobs. On the Pareto front: 0, 1, 3." in figure.description


def test_parallel_coordinates_have_an_axis_for_each_setting_and_task(tmp_path: Path) -> None:
    jobs = [make_job(tmp_path, n, right) for n, right in enumerate((20, 90, 30))]
    figure = plot_parallel(jobs)
    assert figure is not None
    assert [row["name"] for row in figure.datasets["axes"]] == [
        ["", "lr"],
        ["Native →", " romanized"],
    ]
    heights = [(row["0"], row["1"]) for row in figure.datasets["jobs"]]
    assert heights == [(0.0, 0.0), (0.5, 1.0), (1.0, round(10 / 70, 4))]
    ticks = [(row["axis"], row["label"]) for row in figure.datasets["ticks"]]
    assert ticks == [(0, "0e-4"), (0, "1e-4"), (0, "2e-4"), (1, "20.0 %"), (1, "90.0 %")]
    assert plot_parallel(jobs[:1]) is None
    assert plot_parallel([]) is None


def test_the_status_of_a_sweep_that_runs(tmp_path: Path, cli_here: CliHere) -> None:
    sweep = tmp_path / "sweep"
    make_job(sweep, 0, 90)
    SweepPlan(total=4).write(sweep)
    running = sweep / "1"
    running.mkdir()
    Job(running, ["optim.optimizer.lr=1e-4", "seed=0"], RUNNING).write()
    (running / "job.log").write_text("$ transliconet\ntrain: epoch 1/1, step 40\n\n")
    with file_lock(running / LOCK_FILE, keep=True):
        shown = status(sweep)
    assert "train: epoch 1/1, step 40" in shown
    assert "4 jobs: 1 done, 1 running, 2 not started; about " in shown
    # its process is gone
    done = cli_here("sweep", "status", str(sweep))
    assert done.status == 0, done.err
    assert "1 stopped" in done.out
    assert cli_here("sweep", "stat", str(sweep)).status == 1
