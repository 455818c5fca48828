"""Sweeps: each job in a process of its own, failures and kills survived, done jobs skipped, GPUs
dealt out.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.forked import ForkedCli
from tests.settings import CliHere, raises
from transliconet.cli.multirun import objectives
from transliconet.errors import ConfigError
from transliconet.pairs import PairsFolder
from transliconet.report.html import CHART
from transliconet.report.sweep import sweep_markdown, sweep_page
from transliconet.report.sweep_front import pareto_front, tradeoff_tasks
from transliconet.report.sweep_plots import plot_tradeoff
from transliconet.storage import file_lock
from transliconet.sweep import process
from transliconet.sweep.job import (
    DONE,
    FAILED,
    LOCK_FILE,
    RUNNING,
    STOPPED,
    Job,
    read_sweep,
    varied,
)
from transliconet.sweep.plan import check_same_sweep, find_or_make_job
from transliconet.sweep.process import LOG, run_job

RECORD = {
    "stage": "after",
    "language": "rus_Cyrl",
    "task": "native→romanized",
    "source": "rus_Cyrl",
    "target": "rus_Cyrl",
    "source_view": "native",
    "target_view": "romanized",
    "layer": 2,
    "pooling": "mean",
    "similarity": "cosine",
    "n": 50,
    "acc@1": 0.5,
    "acc@5": 0.6,
    "acc@10": 0.7,
    "mrr": 0.6,
    "ci95": [0.4, 0.6],
    "depth": 100,
}
STAND_IN = """\
#!{python}
# Stands in for `python -m transliconet train`: does what the override do= says.
import json, os, signal, sys, time
from pathlib import Path
given = dict(a.lstrip("+").split("=", 1) for a in sys.argv[4:])
out = Path(given["out"].strip("'"))
(out / "environment.json").write_text(json.dumps({{**os.environ, "argv": sys.argv[1:], "started": time.time()}}))
if given["do"] == "fail":
    print("error: wrong: on purpose. Change it", file=sys.stderr)
    raise SystemExit(1)
if given["do"] == "wait":
    sys.path.insert(0, {root!r})
    from transliconet.sweep.environment import stop_with_the_sweep
    def stop(*_):
        time.sleep(0.5)
        (out / "saved").write_text("")
        os._exit(143)
    signal.signal(signal.SIGTERM, stop)
    stop_with_the_sweep()
    (out / "waiting").write_text("")
    time.sleep(60)
time.sleep(float(given.get("seconds", 0)))
(out / "results.json").write_text(json.dumps({{"records": [{record}]}}))
(out / "ended").write_text(str(time.time()))
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "python"
    root = str(Path(__file__).parents[2])
    script.write_text(
        STAND_IN.format(python=sys.executable, root=root, record=json.dumps(RECORD)),
        encoding="utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(script))
    return script


def start_job(folder: Path, overrides: Sequence[str], gpus: Sequence[int] | None = None) -> Job:
    """Run the job with these overrides in a sweep's folder."""
    return run_job(find_or_make_job(folder.parent, overrides, folder.name), gpus)


def starts(folder: Path) -> int:
    return (folder / LOG).read_text(encoding="utf-8").count("$ transliconet train")


def test_a_job_that_is_done_is_not_run_again(stand_in: Path, tmp_path: Path) -> None:
    job = start_job(
        tmp_path / "0", ["do=ok", "out=x", "jobs.gpus=[1]", "jobs=joblib", "resume=last"]
    )
    assert (job.state, job.accuracies, job.overrides) == (
        DONE,
        {"native→romanized": 0.5},
        ["do=ok"],
    )
    again = start_job(tmp_path / "0", ["do=ok", "out=y"])
    assert again == job
    assert starts(tmp_path / "0") == 1
    argv = json.loads((tmp_path / "0" / "environment.json").read_text())["argv"]
    assert argv == [
        "-m",
        "transliconet",
        "train",
        "do=ok",
        f"out='{tmp_path / '0'}'",
        "resume=last",
    ]


def test_a_failure_is_written_down_and_the_job_tried_again_the_next_time(
    stand_in: Path, tmp_path: Path
) -> None:
    for times in (1, 2):
        job = start_job(tmp_path / "0", ["do=fail"])
        assert (job.state, job.error) == (FAILED, "wrong: on purpose. Change it (exit status 1)")
        assert Job.read(tmp_path / "0") == job
        assert starts(tmp_path / "0") == times


def test_jobs_are_known_by_their_settings_not_by_their_number(
    stand_in: Path, tmp_path: Path
) -> None:
    for number, (seed, size) in enumerate(itertools.product((0, 1), (8, 16))):
        start_job(tmp_path / str(number), ["do=ok", f"seed={seed}", f"size={size}"])
    # a third size comes third, where another job is
    found = []
    for number, (seed, size) in enumerate(itertools.product((0, 1), (8, 16, 32))):
        overrides = [f"size={size}", f"seed={seed}", "do=ok"]  # their order does not matter
        found.append(find_or_make_job(tmp_path, overrides, str(number)))
    assert [job.name for job in found] == ["0", "1", "4", "2", "3", "5"]
    assert [job.state for job in found] == [DONE, DONE, RUNNING, DONE, DONE, RUNNING]


def test_a_job_takes_no_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "thesis.tex").touch()
    (tmp_path / "1").touch()
    assert find_or_make_job(tmp_path, ["do=ok"], "0").name == "2"
    assert [path.name for path in (tmp_path / "0").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ([["seed=0", "lr=1"], ["seed=0", "lr=2"], ["seed=0", "lr=3"]], None),
        ([["seed=0", "lr=3"]], None),
        ([["seed=1", "lr=1"]], "seed=0, not 1"),
        ([["seed=0", "lr=1", "size=8"]], "size=its default, not 8"),
        ([["seed=0"]], "lr=1,2, not its default"),
    ],
    ids=["a value more", "another value", "another constant", "a key more", "a key less"],
)
def test_a_sweep_is_not_mixed_with_another(
    wanted: list[list[str]], named: str | None, tmp_path: Path
) -> None:
    for number in (1, 2):
        find_or_make_job(tmp_path, ["seed=0", f"lr={number}", "out=x"], str(number))
    if named is None:
        check_same_sweep(tmp_path, wanted)
        return
    with pytest.raises(ConfigError) as caught:
        check_same_sweep(tmp_path, wanted)
    assert caught.value.code == "TLN-CONFIG-880"
    assert named in str(caught.value)


def test_a_job_with_no_process_behind_it_is_not_running(stand_in: Path, tmp_path: Path) -> None:
    start_job(tmp_path / "0", ["do=ok"])
    Job(tmp_path / "0", ["do=ok"], RUNNING).write()
    assert [job.state for job in read_sweep(tmp_path)] == [STOPPED]
    with file_lock(tmp_path / "0" / LOCK_FILE, keep=True):
        assert [job.state for job in read_sweep(tmp_path)] == [RUNNING]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=0,1", "objective.tcm.temprature=1"], "objective.tcm.temprature: no such key"),
        (["seed=0,1"], "pairs: no value given in the job seed=0"),
        (["pairs=x", "objective=contrast,contrst"], "objective=contrst: not an option"),
    ],
    ids=["a key", "a missing value", "one job of two"],
)
def test_all_jobs_are_checked_before_torch_is_imported(
    overrides: list[str], message: str, tmp_path: Path
) -> None:
    code = """
import sys
from transliconet.cli.app import run
status = run("train", ["-m", "out=sweep", *sys.argv[1:]])
print(status, "torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *overrides], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip().endswith("1 False"), done.stderr
    assert f"error: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_a_process_group_or_of_slurm_reaches_a_job(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOCAL_RANK", "MASTER_PORT", "WORLD_SIZE", "SLURM_NTASKS", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, "3")
    monkeypatch.setenv("KEPT", "yes")
    start_job(tmp_path / "0", ["do=ok"])
    environment = json.loads((tmp_path / "0" / "environment.json").read_text())
    assert environment["KEPT"] == "yes"
    assert not {k for k in environment if k.startswith(("SLURM", "MASTER", "LOCAL_", "WORLD"))}


def test_each_gpu_has_one_job_at_a_time(stand_in: Path, tmp_path: Path) -> None:
    def run(number: int) -> Job:
        return start_job(
            tmp_path / str(number), ["do=ok", "seconds=0.3", f"seed={number}"], gpus=[71, 72]
        )

    with ThreadPoolExecutor(5) as pool:
        assert {job.state for job in pool.map(run, range(5))} == {DONE}
    spans: dict[str, list[tuple[float, float]]] = {}
    for number in range(5):
        folder = tmp_path / str(number)
        environment = json.loads((folder / "environment.json").read_text())
        spans.setdefault(environment["CUDA_VISIBLE_DEVICES"], []).append(
            (environment["started"], float((folder / "ended").read_text()))
        )
    assert set(spans) == {"71", "72"}
    for times in spans.values():
        ordered = sorted(times)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ordered))


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_job_saves_and_stops_when_the_sweep_dies_and_nobody_else_runs_it_meanwhile(
    stand_in: Path, tmp_path: Path, kill: signal.Signals
) -> None:
    code = textwrap.dedent(f"""
        import signal, sys
        from pathlib import Path
        from transliconet.sweep.plan import find_or_make_job
        from transliconet.sweep.process import run_job
        sys.executable = {str(stand_in)!r}
        # A shell's background processes ignore SIGINT, and so would this one.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run_job(find_or_make_job(Path({str(tmp_path)!r}), ["do=wait"], "0"))
    """)
    sweep = subprocess.Popen([real_python(stand_in), "-c", code], cwd=Path(__file__).parents[2])
    wait_for((tmp_path / "0" / "waiting").is_file)
    sweep.send_signal(kill)
    sweep.wait()
    (tmp_path / "0" / "waiting").unlink()
    job = Job.read(tmp_path / "0")
    assert job is not None
    assert job.state in (RUNNING, STOPPED)
    replace(
        job, overrides=["do=ok"]
    ).write()  # the same job for run_job; the stand-in ends by itself this time
    assert start_job(tmp_path / "0", ["do=ok"]).state == DONE
    assert (tmp_path / "0" / "saved").is_file(), (
        "the second process started before the first had saved"
    )


def test_a_sweep_in_a_folder_with_any_name(
    stand_in: Path, cli_here: CliHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The jobs get their folder and the user's paths as they are."""
    drive = tmp_path / "My Drive (1), a=b"
    (drive / "pairs [old]").mkdir(parents=True)
    monkeypatch.chdir(drive)
    sweep = ("train", "-m", "pairs='pairs [old]'", "seed=0,1", "+do=ok")
    for out, folder in {"out=sweep": "sweep", r"out='{b} $c, (1)'": "{b} $c, (1)"}.items():
        done = cli_here(*sweep, out)
        assert done.status == 0, done.out + done.err
        jobs = read_sweep(drive / folder)
        assert [job.state for job in jobs] == [DONE, DONE]
        assert (jobs[0].folder / "environment.json").is_file()
        assert "2 of 2 jobs done" in done.out


def test_a_sweep_that_is_terminated_says_so(stand_in: Path, tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import sys
        from transliconet.cli.app import run
        python, sys.executable = sys.executable, {str(stand_in)!r}
        sys.exit(run("train", ["-m", "pairs=x", "seed=0,1", "+do=wait", "out=sweep"]))
    """)
    sweep = subprocess.Popen(
        [real_python(stand_in), "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for((tmp_path / "sweep" / "0" / "waiting").is_file, 120)
    sweep.terminate()
    _, told = sweep.communicate(timeout=120)
    assert sweep.returncode == 128 + signal.SIGTERM
    assert told.startswith("stopped by SIGTERM: the job in progress has saved")
    assert told.count("\n") == 1
    assert (tmp_path / "sweep" / "0" / "saved").is_file()
    assert [job.state for job in read_sweep(tmp_path / "sweep")] == [STOPPED]


def real_python(stand_in: Path) -> str:
    return stand_in.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!")


def test_a_job_whose_process_outlived_the_sweep_is_done_and_one_that_was_stopped_is_not(
    stand_in: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "0"
    start_job(folder, ["do=ok"])
    Job(folder, ["do=ok"], RUNNING).write()
    assert start_job(folder, ["do=ok"]).state == DONE
    assert starts(folder) == 1
    (folder / "results.json").write_text('{"records": [')  # a kill in the middle of it
    Job(folder, ["do=ok"], RUNNING).write()
    assert start_job(folder, ["do=ok"]).state == DONE
    assert starts(folder) == 2


def test_a_job_that_failed_behind_its_results_is_run_again(stand_in: Path, tmp_path: Path) -> None:
    folder = tmp_path / "0"
    start_job(folder, ["do=ok"])
    Job(folder, ["do=ok"], FAILED, "no room for the plot").write()
    assert start_job(folder, ["do=ok"]) == Job.read(folder)
    assert starts(folder) == 2


def test_a_job_that_something_else_stopped_says_so(stand_in: Path, tmp_path: Path) -> None:
    def stop() -> None:
        wait_for((tmp_path / "0" / "waiting").is_file)
        subprocess.run(["pkill", "-TERM", "-f", f"out=.{tmp_path / '0'}"], check=True)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(stop)
        assert start_job(tmp_path / "0", ["do=wait"]).state == STOPPED


def jobs_of(points: Sequence[tuple[float, float]]) -> list[Job]:
    return [
        Job(
            Path(f"s/{i}"),
            ["experiment=recommended", f"optim.optimizer.lr={i}e-4", "seed=0"],
            DONE,
            "",
            10.0,
            {"native→romanized": 0.9, "native→eng_Latn": x, "romanized→eng_Latn": y},
        )
        for i, (x, y) in enumerate(points)
    ]


def test_the_front_holds_the_jobs_that_no_other_beats() -> None:
    jobs = [
        *jobs_of([(0.8, 0.5), (0.7, 0.6), (0.7, 0.5), (0.8, 0.5)]),
        Job(Path("s/4"), ["seed=1"], FAILED, "no"),
    ]
    assert [job.name for job in pareto_front(jobs)] == [
        "0",
        "1",
        "3",
    ]  # equals do not beat each other
    assert pareto_front(jobs[-1:]) == []
    assert tradeoff_tasks({"native→romanized": 1, "romanized→native": 1}) == (
        "native→romanized",
        "romanized→native",
    )


def test_tables_name_what_varies_and_the_page_holds_everything() -> None:
    jobs = [
        *jobs_of([(0.8, 0.5), (0.7, 0.4)]),
        Job(Path("s/2"), ["experiment=recommended"], FAILED, "<broken>"),
    ]
    assert varied(jobs[:2]) == ["optim.optimizer.lr"]
    assert varied(jobs) == ["optim.optimizer.lr", "seed"]
    markdown = sweep_markdown(jobs)
    row = next(line for line in markdown.splitlines() if line.startswith("| 0 "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["0", "done", "front", "0e-4", "0", "90.0", "80.0", "50.0", "10"]
    assert "- job 2 failed: <broken>" in markdown
    html = sweep_page(jobs, "a sweep")
    assert "&lt;broken&gt;" in html
    assert "<broken>" not in html
    assert "experiment=recommended" in html
    assert html.count(CHART) == 2
    assert "(1 of 2 jobs)" in html
    assert "Acc@1, Romanized → English over Native → English, a point for each of 2" in html
    assert sweep_page(jobs[2:], "nothing done").count(CHART) == 0
    plot_tradeoff([])


def test_what_an_optimizing_sweeper_gets() -> None:
    job = jobs_of([(0.8, 0.5)])[0]
    assert objectives(job, []) is None
    assert objectives(job, ["native→eng_Latn"]) == 0.8
    assert objectives(job, ["romanized→eng_Latn", "native→eng_Latn"]) == (0.5, 0.8)
    assert objectives(replace(job, state=FAILED), ["native→eng_Latn"]) is None
    with pytest.raises(
        ConfigError, match="native→fra_Latn was not measured. Measured: native→romanized"
    ):
        objectives(job, ["native→fra_Latn"])


def test_a_folder_that_is_no_sweep_and_a_damaged_job(tmp_path: Path) -> None:
    with raises("TLN-DATA-881"):
        read_sweep(tmp_path)
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "job.json").write_text("{")
    with raises("TLN-DATA-880"):
        read_sweep(tmp_path)


def sweep_command(pairs: PairsFolder, *more: str) -> list[str]:
    return [
        "train",
        "-m",
        "experiment=quickstart",
        f"pairs={pairs.path}",
        "trainer.max_steps=2",
        "data.batch_size=16",
        "encoder.vocab_size=800",
        "encoder.hidden_size=16",
        "encoder.layers=1",
        "logger=none",
        *more,
    ]


@pytest.mark.slow
def test_a_sweep_killed_in_its_second_job_and_run_again(
    cldr_pairs: PairsFolder, run_cli: Callable, tmp_path: Path
) -> None:
    command = sweep_command(cldr_pairs, "data.max_length=32,33", "out=sweep", "probe=none")
    first = ForkedCli(command, tmp_path, {})
    running = tmp_path / "sweep" / "1"
    wait_for(lambda: (running / LOG).is_file() and starts(running), 200)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = (tmp_path / "sweep" / "0" / "job.json").read_bytes()
    again = run_cli(*command, cwd=tmp_path)
    assert again.status == 0, again.err
    assert "2 of 2 jobs done" in again.out
    jobs = read_sweep(tmp_path / "sweep")
    assert [job.state for job in jobs] == [DONE, DONE]
    assert (tmp_path / "sweep" / "0" / "job.json").read_bytes() == before
    for job, length in zip(jobs, (32, 33), strict=True):
        settings = json.loads((job.folder / "results.json").read_text())["config"]
        assert settings["data"]["max_length"] == length
    assert [starts(job.folder) for job in jobs] == [1, 2]


@pytest.mark.slow
def test_jobs_at_the_same_time_one_of_them_on_two_devices(
    cldr_pairs: PairsFolder, start_cli: Callable, tmp_path: Path
) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    done = start_cli(
        *sweep_command(cldr_pairs, "trainer=cpu,ddp_2cpu", "jobs=joblib", "out=sweep"),
        "probe=none",
        cwd=tmp_path,
    )
    assert done.status == 0, done.out + done.err
    assert [job.state for job in read_sweep(tmp_path / "sweep")] == [DONE, DONE]
    log = (tmp_path / "sweep" / "1" / LOG).read_text(encoding="utf-8")
    assert "distributed_backend=gloo" in log


@pytest.mark.slow
def test_a_search_optimizes_what_is_named_and_goes_past_a_trial_that_fails(
    cldr_pairs: PairsFolder, run_cli: Callable, tmp_path: Path
) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    done = run_cli(
        *sweep_command(
            cldr_pairs,
            "jobs=optuna",
            'jobs.maximize=["native→romanized","romanized→native"]',
            "out=sweep",
            "data.max_length=choice(32,4000)",
            "hydra.sweeper.n_trials=3",
        ),
        cwd=tmp_path,
    )
    jobs = read_sweep(tmp_path / "sweep")
    assert len(jobs) == 2, "the third trial repeats the settings of another, whose job is used"
    assert {job.state for job in jobs} == {DONE, FAILED}, "the seeded sampler draws both lengths"
    assert done.status == 1
    assert "Number of Pareto solutions" in done.out
    failed = next(job for job in jobs if job.state == FAILED)
    assert "data.max_length=4000: the encoder has 128 positions" in failed.error
    assert failed.error in done.out
    assert "data.max_length=4000" in (failed.folder / LOG).read_text(encoding="utf-8")
    report = run_cli("report", "sweep=sweep", "out=table", cwd=tmp_path)
    assert report.status == 0, report.err
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in table.splitlines() if line.startswith(("| 0", "| 1"))]
    states = {row[4].strip(): row[2].strip() for row in rows}
    assert states == {"32": DONE, "4000": FAILED}
    assert "<svg" in (tmp_path / "table.html").read_text(encoding="utf-8")


def test_a_plugin_that_is_not_installed_is_named(
    cli_here: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.util import find_spec

    if find_spec("hydra_plugins.hydra_ray_launcher"):
        pytest.skip("it is installed")
    done = cli_here("train", "pairs=x", "jobs=ray")
    assert done.error == (
        "error: hydra/launcher=ray: Hydra's plugin for it is not installed. pip install -e '.[sweep-ray]' in a checkout"
    )
