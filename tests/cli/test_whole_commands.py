"""Whatever a command is given for a file or folder, it succeeds or prints one error line."""

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.damage import EXAMPLES, damaged_copy, examples
from tests.settings import SMALL, CliHere, Finished
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder

SHORT_RUN = (*SMALL, "objective=contrast", "trainer=cpu", "trainer.max_steps=1", "probe=none")
FEW = "probe.candidates.max=20"
CORPORA = {
    "text": ("rus_Cyrl.txt", "да\nнет\nможет быть\n"),
    "csv": ("rus_Cyrl.csv", "text\nда\nнет\n"),
    "jsonl": ("rus_Cyrl.jsonl", '{"text": "да"}\n{"text": "нет"}\n'),
    "gettext": ("ru.po", 'msgid ""\nmsgstr "Language: ru\\n"\n\nmsgid "yes"\nmsgstr "да"\n'),
    "tmx": (
        "a.tmx",
        '<?xml version="1.0"?><tmx version="1.4"><header srclang="en"/><body><tu>'
        '<tuv xml:lang="ru"><seg>да</seg></tuv></tu></body></tmx>',
    ),
}


@dataclass(frozen=True)
class Command:
    """A command and where it takes files.

    Args:
        name: of the command.
        paths: option → the real artefact that belongs there.
        fixed: other overrides.
    """

    name: str
    paths: dict[str, str]
    fixed: tuple[str, ...] = ()


COMMANDS = {
    **{
        f"prepare {corpus}": Command(
            "prepare",
            {"corpus.paths": file},
            (f"corpus={corpus}", "progress=false", "corpus.romanizer=none"),
        )
        for corpus, (file, _) in CORPORA.items()
    },
    "train": Command("train", {"pairs": "pairs"}, SHORT_RUN),
    "train resumed": Command("train", {"pairs": "pairs", "resume": "last.ckpt"}, SHORT_RUN),
    "vocab": Command("vocab", {"encoder.path": "export", "pairs": "pairs"}),
    "export": Command("export", {"run": "run"}),
    "probe": Command("probe", {"encoder.path": "export", "pairs": "pairs"}, (FEW,)),
    "report": Command("report", {"results": "results.json"}),
    "report of a run": Command("report", {"results": "run"}),
    "report of a sweep": Command("report", {"sweep": "sweep"}),
    "compare": Command("compare", {"results": "run"}, ("samples=100",)),
}
INPUTS = ("real", "missing", "file", "folder", "empty", "noise", *["damaged"] * 6)
OUTPUTS = (*["new"] * 5, "alien folder", "file", "below a file", "link", "long")
READ_ONLY_SYSTEM = Path("/sys/kernel")
"""A folder in which even root cannot write."""


@pytest.fixture(scope="module")
def real(
    tmp_path_factory: pytest.TempPathFactory, cldr_pairs: PairsFolder, encoder: Encoder
) -> Path:
    """One artefact of each kind."""
    return tmp_path_factory.mktemp("real")


@pytest.fixture
def artefacts(
    real: Path, cldr_pairs: PairsFolder, encoder: Encoder, cli_here: CliHere, tmp_path: Path
) -> Path:
    """The folder of real artefacts, filled when it is first used."""
    if any(real.iterdir()):
        return real
    shutil.copytree(cldr_pairs.path, real / "pairs")
    for file, text in CORPORA.values():
        (real / file).write_text(text, encoding="utf-8")
    fixed = (f"pairs={cldr_pairs.path}", *SHORT_RUN)
    made = cli_here("train", *fixed, "probe=heldout", FEW, f"out={real / 'run'}")
    assert made.status == 0, made.err
    shutil.rmtree(real / "run" / "tensorboard", ignore_errors=True)
    shutil.copytree(real / "run" / "export", real / "export")
    shutil.copyfile(real / "run" / "results.json", real / "results.json")
    shutil.copyfile(real / "run" / "checkpoints" / "last.ckpt", real / "last.ckpt")
    job = real / "sweep" / "0"
    job.mkdir(parents=True)
    shutil.copyfile(real / "results.json", job / "results.json")
    (job / "job.json").write_text(
        '{"overrides": ["seed=0"], "state": "done", "error": "", "seconds": 1.0,'
        ' "accuracies": {"native→romanized": 0.5}}',
        encoding="utf-8",
    )
    return real


def given_input(kind: str, original: Path, place: Path, rng: random.Random) -> Path:
    """What stands at ``place``, where an artefact like ``original`` belongs."""
    if kind == "real":
        return original
    if kind == "damaged":
        return damaged_copy(original, place, rng)
    if kind == "folder":
        place.mkdir()
    elif kind != "missing":
        content = {"file": b"something\n", "empty": b"", "noise": rng.randbytes(300)}
        place.write_bytes(content[kind])
    return place


def listed(option: str, path: Path) -> str:
    """A path as its option takes it."""
    return f"[{path}]" if option in ("corpus.paths", "results") else str(path)


def given_output(kind: str, place: Path) -> str:
    alien = place / "thesis"
    if kind == "alien folder":
        place.mkdir()
        alien.touch()
    elif kind == "file":
        place.write_text("years")
    elif kind == "link":
        place.symlink_to("nowhere")
    elif kind == "below a file":
        place.write_text("years")
        return str(alien)
    elif kind == "read-only folder":
        if os.geteuid() == 0:
            return str(READ_ONLY_SYSTEM / "out")
        place.mkdir(mode=0o555)
        return str(place / "out")
    return str(place) + ("x" * 300 if kind == "long" else "")


@pytest.mark.parametrize("output", ["read-only folder", "below a file"])
@pytest.mark.parametrize("name", ["prepare text", "train", "vocab", "export", "probe", "report"])
def test_an_output_that_cannot_be_written(
    name: str, output: str, artefacts: Path, cli_here: CliHere, tmp_path: Path
) -> None:
    if name == "vocab" and output == "read-only folder" and os.geteuid() == 0:
        pytest.skip("takes long: root is told when the folder is written")
    command = COMMANDS[name]
    overrides = list(command.fixed)
    for option, artefact in command.paths.items():
        overrides.append(f"{option}={listed(option, artefacts / artefact)}")
    done = cli_here(command.name, *overrides, f"out={given_output(output, tmp_path / 'out')}")
    check(done, f"{name}, out {output}")
    assert done.status == 1
    left = [path.name for path in tmp_path.iterdir()]
    assert left in ([], ["out"])


def check(done: Finished, told: str) -> None:
    """Success without an error line, or a failure with one."""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.status in (0, 1), told
    assert len(errors) == done.status, (told, done.err)
    assert "Traceback" not in done.out + done.err, (told, done.err)


@pytest.mark.parametrize("name", COMMANDS)
def test_one_error_line_or_success(
    name: str, artefacts: Path, cli_here: CliHere, tmp_path: Path
) -> None:
    command = COMMANDS[name]
    statuses: list[int] = []

    @settings(
        max_examples=examples(4),
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.integers(0, 2**32))
    def call(seed: int) -> None:
        rng = random.Random(seed)
        folder = tmp_path / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        overrides = list(command.fixed)
        damaged_option = rng.choice(list(command.paths))
        kind = rng.choice(INPUTS)
        for option, artefact in command.paths.items():
            path = artefacts / artefact
            if option == damaged_option:
                path = given_input(kind, path, folder / artefact, rng)
            overrides.append(f"{option}={listed(option, path)}")
        output = rng.choice(OUTPUTS)
        overrides.append(f"out={given_output(output, folder / 'out')}")
        if rng.random() < 0.3 and command.name not in ("report", "compare"):
            overrides.append("overwrite=true")
        told = f"{name}, seed {seed}: {damaged_option} {kind}, out {output}: {overrides}"
        done = cli_here(command.name, *overrides)
        check(done, told)
        statuses.append(done.status)
        if output == "alien folder":
            assert (folder / "out" / "thesis").exists(), told

    call()
    assert statuses
