"""Kill commands at random moments, run them again, and compare the outcome with an undisturbed run.

    python bench/kill.py --pairs PAIRS --out FOLDER [--only train/early_stopping,probe] [--kills 10]

Each trial kills its command again and again, by SIGKILL, SIGTERM, SIGINT, or SIGKILL while a file
is being written. After ``--kills`` kills the command may finish. A kill counts as survived if the
trial leaves the same files as an undisturbed run, apart from times. A command of one process is
forked from a process that has imported everything, so that kills hit the work and not the imports.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

TIMES = {"pairs_per_s", "tokens_per_s", "probe/train_seconds"}
TINY = [
    "encoder=tiny",
    "encoder.vocab_size=600",
    "encoder.hidden_size=16",
    "encoder.heads=2",
    "encoder.layers=1",
    "objective=contrast",
    "data.batch_size=16",
    "data.max_length=32",
    "trainer=cpu",
    "trainer.max_epochs=-1",
    "trainer.max_steps=24",
    "trainer.enable_progress_bar=false",
    "trainer.log_every_n_steps=2",
    "checkpoint.every_n_train_steps=2",
    "logger=csv",
    "probe.candidates.min=8",
    "optim.optimizer.lr=1e-3",
]
PROBED = ["probe_every_n_steps=2", "checkpoint.monitor='probe/romanized→native'"]
TRAIN = {
    "plain": [],
    "accumulation": ["trainer.accumulate_grad_batches=3"],
    "workers": ["data.workers=1"],
    "gradcache": ["micro_batch=8"],
    "anchored": ["objective=anchored", "objective.anchor.cached_negatives=64"],
    "masked": ["objective=translico", "objective.tcm.layer=1", "dropout=0.1"],
    "by_language": ["data.by_language=true"],
    "top_k": [*PROBED, "checkpoint.save_top_k=2"],
    "early_stopping": [
        *PROBED,
        "checkpoint.save_top_k=1",
        "early_stopping.monitor='probe/romanized→native'",
        "early_stopping.patience=2",
        "early_stopping.min_delta=0.02",
    ],
    "trim": ["method=trim", "graft=false"],
    "two_processes": ["trainer=ddp_2cpu"],
}


@dataclass(frozen=True)
class Case:
    """A command to be killed.

    Args:
        name: as ``--only`` has it.
        command: from the output folder to the arguments.
        again: more arguments when it is run again.
        files: patterns of the files that it writes, whose beginning is a moment to kill.
        forked: it may be forked rather than started.
        has_children: it starts processes that can be killed by themselves.
    """

    name: str
    command: Callable[[Path], list[str]]
    again: list[str] = field(default_factory=list)
    files: str = "**/.*.partial"
    forked: bool = True
    has_children: bool = False


@dataclass
class Tally:
    tried: int = 0
    survived: int = 0
    different: list[str] = field(default_factory=list)


def cases(pairs: Path, run: Path) -> Iterator[Case]:
    """All commands that are tried; ``run`` is a finished run folder."""
    for name, options in TRAIN.items():
        fixed = ["train", f"pairs={pairs}", *TINY, *options]
        yield Case(
            f"train/{name}",
            lambda out, fixed=fixed: [*fixed, f"out={out}"],
            again=["resume=last"],
            forked=name != "two_processes",
        )
    # more lines than two chunks have, so that two processes have work
    tags = "kat_Geor,rus_Cyrl,hin_Deva,ell_Grek,heb_Hebr,hye_Armn,bul_Cyrl,tam_Taml,ukr_Cyrl"
    corpus = ["corpus=cldr", f"corpus.languages=[{tags}]", "progress=false"]
    for processes in (1, 2):
        yield Case(
            f"prepare/{processes}",
            lambda out, n=processes: ["prepare", *corpus, f"processes={n}", f"out={out}"],
            forked=processes == 1,
        )
    encoder = ["encoder=local", f"encoder.path={run / 'export'}"]
    yield Case("vocab", lambda out: ["vocab", *encoder, f"pairs={pairs}", f"out={out}"])
    yield Case("export", lambda out: ["export", f"run={run}", f"out={out}"])
    yield Case(
        "probe",
        lambda out: ["probe", *encoder, f"pairs={pairs}", f"out={out / 'results.json'}"],
    )
    yield Case("report", lambda out: ["report", f"results=[{run}]", f"out={out / 'page'}"])
    sweep = ["train", "-m", f"pairs={pairs}", *TINY, "trainer.max_steps=6", "seed=0,1"]
    yield Case("sweep", lambda out: [*sweep, f"out={out}"], forked=False, has_children=True)


def start(case: Case, out: Path, again: bool) -> int:
    """Start the command in a process group of its own. Returns its process id."""
    arguments = [*case.command(out), *(case.again if again else [])]
    log = open(f"{out}.log", "ab")  # noqa: SIM115
    if not case.forked:
        command = [sys.executable, "-m", "transliconet", *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True).pid
    sys.stdout.flush()
    child = os.fork()
    if child:
        log.close()
        while os.getpgid(child) != child:  # until it is in a group of its own
            time.sleep(0.001)
        return child
    status = 70
    try:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.setsid()
        from transliconet.cli.app import run

        status = run(arguments[0], arguments[1:])
    finally:
        sys.stdout.flush()
        os._exit(status)


_STATUSES: dict[int, int] = {}
"""Process id → exit status of processes that have ended."""


def ended(process: int) -> int | None:
    """The exit status of a process; None while it runs."""
    if process not in _STATUSES:
        found, status = os.waitpid(process, os.WNOHANG)
        if not found:
            return None
        _STATUSES[process] = os.waitstatus_to_exitcode(status)
    return _STATUSES[process]


def wait(process: int, seconds: float = 600) -> int:
    end = time.monotonic() + seconds
    while (status := ended(process)) is None:
        if time.monotonic() > end:
            os.killpg(process, signal.SIGKILL)
            return -signal.SIGKILL
        time.sleep(0.02)
    return status


def disturb(case: Case, process: int, out: Path, seconds: float, rng: random.Random) -> bool:
    """Kill the process at a random moment; False if it ended before."""
    ways = ["group", "main", "term", "int", "saving"]
    if case.has_children:
        ways += ["child", "child"]
    way = rng.choice(ways)
    # a process that was started imports first, which nothing can spoil
    earliest = 0.0 if case.forked else 0.4 * seconds
    end = time.monotonic() + rng.uniform(earliest, seconds)
    seen = {path: _changed_at(path) for path in _partial_files(case, out)}
    while time.monotonic() < end or way in ("saving", "child"):
        if ended(process) is not None:
            return False
        if way == "saving":
            partial = _partial_files(case, out)
            writing = [path for path in partial if _changed_at(path) != seen.get(path)]
            if writing and rng.random() < 0.3:
                break
        if way == "child" and time.monotonic() >= end and (children := _children(process)):
            os.kill(rng.choice(children), signal.SIGKILL)
            return True
        time.sleep(0.001)
    if ended(process) is not None:
        return False
    if way in ("group", "saving"):
        os.killpg(process, signal.SIGKILL)
    elif way == "main":
        os.kill(process, signal.SIGKILL)
    else:
        os.kill(process, signal.SIGTERM if way == "term" else signal.SIGINT)
    wait(process)
    return True


def _partial_files(case: Case, out: Path) -> list[Path]:
    """Files and folders that are being written, in the output folder and beside it."""
    return [*out.glob(case.files), *out.parent.glob(f".{out.name}.partial")]


def _children(process: int) -> list[int]:
    """The processes that a process has started and that have not ended."""
    found: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, file.read_text().split())
        except OSError:
            continue
    return found


def _changed_at(path: Path) -> int:
    """When a file was written to; 0 if it is gone."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def fingerprint(out: Path) -> dict[str, str]:
    """The files that a command has written, with their digests. Times are left out."""
    found = {}
    for path in sorted(out.rglob("*")):
        name = str(path.relative_to(out))
        parts = Path(name).parts
        if not path.is_file() or any(part.startswith(".") for part in parts):
            continue
        if path.suffix in (".log", ".png", ".yaml", ".html") or path.name == "run.json":
            continue
        if path.suffix == ".ckpt":
            found[name] = "there"
        else:
            found[name] = hashlib.sha256(_without_times(path)).hexdigest()[:12]
    return found


def _without_times(path: Path) -> bytes:
    if path.name == "metrics.csv":
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [
                {k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(lines)
            ]
        return json.dumps(rows).encode()
    if path.name == "results.json":
        return json.dumps(json.loads(path.read_text(encoding="utf-8"))["records"]).encode()
    if path.name == "job.json":
        content = json.loads(path.read_text(encoding="utf-8"))
        return json.dumps([content["state"], content["overrides"], content["accuracies"]]).encode()
    if path.name in ("README.md", "manifest.json"):
        return b""
    return path.read_bytes()


def trial(case: Case, out: Path, seconds: float, kills: int, rng: random.Random) -> int:
    """Kill the command and run it again until it has finished. Returns the number of kills."""
    done = 0
    for attempt in range(10 * kills):
        process = start(case, out, again=attempt > 0)
        _STATUSES.pop(process, None)  # process ids come again
        if done < kills and disturb(case, process, out, seconds, rng):
            done += 1
            wait(process)
            continue
        status = wait(process)
        if status == 0 or _is_there(out):
            return done
        if done < kills or case.has_children:  # a sweep ends with 1 if a job was killed
            continue
        raise RuntimeError(f"{case.name}: exit status {status}, see {out}.log")
    raise RuntimeError(f"{case.name} does not end")


def _is_there(out: Path) -> bool:
    """Whether a kill came after all was written: the command then refuses to overwrite it."""
    return "already there" in Path(f"{out}.log").read_text(encoding="utf-8")[-2000:]


def run_case(case: Case, folder: Path, options: argparse.Namespace) -> Tally:
    tally, rng = Tally(), random.Random(options.seed)
    reference = folder / "reference"
    started = time.monotonic()
    if wait(start(case, reference, again=False)) != 0:
        raise RuntimeError(f"{case.name} fails when left alone, see {reference}.log")
    seconds = time.monotonic() - started
    expected = fingerprint(reference)
    for number in range(4 * options.kills):  # some end before they are killed
        if tally.tried >= options.kills:
            break
        out = folder / f"trial-{number}"
        try:
            kills = trial(case, out, seconds, min(options.burst, options.kills), rng)
            found = fingerprint(out)
        except RuntimeError as error:
            kills, found = options.burst, {"error": str(error)}
        names = expected.keys() | found.keys()
        different = sorted(name for name in names if expected.get(name) != found.get(name))
        tally.tried += kills
        if different:
            tally.different.append(
                f"{out.name}: {', '.join(different[:5])} {found.get('error', '')}"
            )
        else:
            tally.survived += kills
            shutil.rmtree(out, ignore_errors=True)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--only", default="", help="names of cases or their prefixes, separated by commas"
    )
    parser.add_argument("--kills", type=int, default=10, help="number of kills in each case")
    parser.add_argument("--burst", type=int, default=3, help="number of kills in a trial")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in ("torch", "transformers", "pytorch_lightning", "transliconet.cli.train"):
        __import__(name)
    folder = options.out.absolute()
    folder.mkdir(parents=True)
    run = folder / "run"
    first = Case(
        "run", lambda out: ["train", f"pairs={options.pairs.absolute()}", *TINY, f"out={out}"]
    )
    if wait(start(first, run, again=False)):
        raise SystemExit(f"see {run}.log")
    chosen = tuple(options.only.split(",")) if options.only else ("",)
    total = Tally()
    for case in cases(options.pairs.absolute(), run):
        if not case.name.startswith(chosen):
            continue
        place = folder / case.name.replace("/", "-")
        place.mkdir()
        tally = run_case(case, place, options)
        total.tried += tally.tried
        total.survived += tally.survived
        print(f"{case.name}: {tally.survived} of {tally.tried} kills survived", flush=True)
        for line in tally.different:
            print(f"  {line}", flush=True)
    print(f"all: {total.survived} of {total.tried}")


if __name__ == "__main__":
    main()
