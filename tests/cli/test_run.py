"""``transliconet run``: from text to a report in one command, which goes on where it stopped."""

from pathlib import Path

import pytest

from tests.settings import SMALL_BATCHES, SMALL_ENCODER, CliHere, Finished
from transliconet.cli import run as workflow
from transliconet.cli.words import with_named_words

RECIPE = ("experiment=null", "objective=contrast", "trainer=cpu", "logger=none")
GIVEN = ("out=first", *SMALL_ENCODER, *SMALL_BATCHES, *RECIPE, "probe.candidates.min=5")


@pytest.fixture
def text(tmp_path: Path) -> str:
    """A table that has its romanization, so that nothing is romanized."""
    words = ["ერთი", "ორი", "სამი", "ოთხი", "ხუთი", "ექვსი", "შვიდი"]
    latin = ["erti", "ori", "sami", "otxi", "xuti", "ekvsi", "shvidi"]
    rows = ["text,transliteration"]
    for a, x in zip(words, latin, strict=True):
        rows += [f"{a} {b},{x} {y}" for b, y in zip(words, latin, strict=True)]
    (tmp_path / "kat_Geor.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return "kat_Geor.csv"


def stages_of(done: Finished) -> list[str]:
    """The commands that were executed."""
    lines = [line for line in done.out.splitlines() if line.startswith("[")]
    return [line.split()[2] for line in lines if line.split()[1] == "transliconet"]


def test_it_goes_on_where_it_stopped(
    text: str, cli_here: CliHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = (text, "corpus=csv", "rules.heldout=0.3", *GIVEN)
    start = workflow.run

    def killed_before(stage: str) -> None:
        def run(command: str, overrides: list[str]) -> int:
            if command == stage:
                raise KeyboardInterrupt
            return start(command, overrides)

        monkeypatch.setattr(workflow, "run", run)

    killed_before("train")
    done = cli_here("run", *given)
    assert (done.status, stages_of(done)) == (130, ["prepare", "train"])
    pairs = Path("first/pairs/manifest.json").stat()

    killed_before("report")
    done = cli_here("run", *given)
    assert (done.status, stages_of(done)) == (130, ["train", "report"])
    assert Path("first/pairs/manifest.json").stat() == pairs
    assert "optimizer steps: expect little; trainer.max_epochs=" in done.out
    weights = Path("first/run/export/model.safetensors").stat()

    monkeypatch.setattr(workflow, "run", start)
    done = cli_here("run", *given)
    assert done.status == 0, done.err
    assert "this run has finished" in done.out
    assert "native→romanized: " in done.out.splitlines()[-4]
    assert done.out.splitlines()[-2:] == ["report: first/report.html", "encoder: first/run/export"]
    assert Path("first/report.html").is_file()
    done = cli_here("run", *given)
    assert (done.status, stages_of(done)) == (0, ["train"])
    assert Path("first/run/export/model.safetensors").stat() == weights

    # other text is not mixed with what is there
    Path(text).write_text("text,transliteration\n" + "ა,a\n", encoding="utf-8")
    done = cli_here("run", *given)
    assert done.status == 1
    assert "TLN-CONFIG-969" in done.error


def test_keys_go_to_the_command_that_has_them() -> None:
    given = ["a/hin_Deva.txt", "b (1).txt", "encoder=e5_small", "out=x", "+trainer.limit=1"]
    more = ["rules.heldout=0.2", "trainer.max_epochs=3", "seed=1", "~clean.exclude"]
    found = workflow.Workflow.from_overrides(with_named_words("run", [*given, *more]))
    assert found.prepare == [
        "corpus=text",
        "corpus.paths=[a/hin_Deva.txt,'b (1).txt']",
        "rules.heldout=0.2",
        "~clean.exclude",
    ]
    assert found.train == [
        "experiment=recommended",
        "encoder=e5_small",
        "+trainer.limit=1",
        "trainer.max_epochs=3",
        "seed=1",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["a.txt", "out=x"], "TLN-CONFIG-966"),
        (["encoder=tiny", "out=x"], "TLN-CONFIG-967"),
        (["a.txt", "encoder=tiny"], "out: no value given"),
        (["a.txt", "encoder=tiny", "out=x", "trainer.max_epoch=1"], "'trainer.max_epochs'"),
        (["a.txt", "encoder=tiny", "out=x", "rules.held=1"], "'rules.heldout'"),
        (["a.txt", "encoder=tiny", "out=x,y", "-m"], "TLN-CONFIG-968"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    given: list[str], told: str, cli_here: CliHere, tmp_path: Path
) -> None:
    done = cli_here("run", *given)
    assert done.status == 1
    assert told in done.error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(text: str, cli_here: CliHere) -> None:
    Path("first").mkdir()
    Path("first/thesis.txt").write_text("years", encoding="utf-8")
    done = cli_here("run", text, *GIVEN)
    assert done.status == 1
    assert "TLN-CONFIG-223" in done.error
    assert [path.name for path in Path("first").iterdir()] == ["thesis.txt"]


def test_a_folder_as_the_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "tiny"):
        Path(name).mkdir()
    assert with_named_words("probe", ["encoder=mine"]) == ["encoder=local", "encoder.path='mine'"]
    for left in ("encoder=tiny", "encoder=e5_small", "encoder='a/b'", "encoder=a/b,c/d"):
        assert with_named_words("train", [left]) == [left]
