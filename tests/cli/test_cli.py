"""The commands: help, and errors that name what was wrong and what would be right."""

import json
from pathlib import Path

import pytest

from tests.settings import SMALL, CliHere, RunCli
from transliconet.cli.app import COMMANDS
from transliconet.pairs import PairsFolder


def test_usage_names_every_command(start_cli: RunCli, run_cli: RunCli) -> None:
    done = start_cli("--help")
    assert done.status == 0
    assert all(command in done.out for command in COMMANDS)
    assert run_cli().out == done.out


def test_a_misspelt_command(run_cli: RunCli) -> None:
    done = run_cli("trian")
    assert done.status == 2
    assert done.error == (
        "error: trian: not a command. Did you mean 'train'? The commands are run, prepare, vocab, train, export, probe, search, transfer, mteb, sweep, report, compare"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_group_offers(command: str, cli_here: CliHere) -> None:
    done = cli_here(command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"transliconet {command}")
    groups = {
        "prepare": (
            "corpus: cldr, csv, custom, delimited, freedict, gettext, glot500, hub, jsonl, "
            "lexicon, parallel, parquet, pbc, tatoeba, text, tmx"
        ),
        "train": "objective: anchored, contrast, distilled, lexical, parts, ppa, translico",
        "probe": "encoder: ",
    }
    assert groups.get(command, "") in " ".join(done.out.split())
    assert "Powered by Hydra" not in done.out


@pytest.mark.parametrize(
    ("command", "override", "message"),
    [
        (
            "train",
            "objective.tcm.temprature=1",
            "objective.tcm.temprature: no such key. Did you mean 'objective.tcm.temperature'?",
        ),
        ("train", "objectiv=contrast", "objectiv: no such key. Did you mean 'objective'?"),
        (
            "train",
            "objective=contrst",
            "objective=contrst: not an option. Did you mean 'contrast'? The options are anchored, contrast, distilled, lexical, parts, ppa, translico",
        ),
        (
            "train",
            "experiment=quickstrat",
            "experiment=quickstrat: not an option. Did you mean 'quickstart'?",
        ),
        ("prepare", "corpus.path=x", "corpus.path: no such key. Did you mean 'corpus.paths'?"),
        (
            "prepare",
            "rules.held_out=0.1",
            "rules.held_out: no such key. Did you mean 'rules.heldout'?",
        ),
        (
            "probe",
            "probe.pivot=[eng_Latn]",
            "probe.pivot: no such key. Did you mean 'probe.pivots'?",
        ),
        ("export", "chekpoint=x", "chekpoint: no such key. Did you mean 'checkpoint'?"),
        ("vocab", "merg=max", "merg: no such key. Did you mean 'merge'?"),
    ],
)
def test_misspelt_keys_and_options(
    command: str, override: str, message: str, cli_here: CliHere
) -> None:
    done = cli_here(command, override)
    assert done.status == 1
    assert done.error.startswith(f"error: {message}")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("command", "overrides", "missing"),
    [
        ("prepare", ["corpus=cldr"], "out"),
        ("prepare", ["out=x"], "paths"),
        ("train", ["encoder=tiny"], "pairs"),
        ("export", ["out=x"], "run"),
        ("probe", ["encoder.path=x"], "pairs"),
        ("vocab", ["encoder.path=x"], "out"),
    ],
)
def test_missing_values_are_asked_for(
    command: str, overrides: list[str], missing: str, cli_here: CliHere
) -> None:
    done = cli_here(command, *overrides)
    assert done.status == 1
    assert missing in done.error
    assert "no value given. Add" in done.error
    assert done.err.count("\n") == 1, done.err  # Hydra's "Error executing job" is not there


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["objective.tcm.layer=9"],
            "objective.tcm.layer=9: tiny has hidden layers 0 (embeddings) to 2",
        ),
        (["objective.tcm.similarity=cos"], "objective.tcm.similarity=cos: not a known choice"),
        (
            ["objective.tcm.temperature=0"],
            "objective.tcm.temperature=0: not a usable number. Give a number > 0",
        ),
        (["data.batch_size=1"], "data.batch_size=1: not a usable number"),
        (["data.max_length=500"], "data.max_length=500: the encoder has 128 positions"),
        (["data.masking.probability=2"], "data.masking.probability=2: not a usable number"),
        (["data.languages=[hin_Deva]"], "languages: hin_Deva: not in the pairs folder"),
        (["objective.tcm.weight=0"], "objectives: none has a weight above 0"),
        (["trainer.accelerator=cup"], "trainer"),
        (["trainer.precision=16bit"], "trainer"),
        (["probe.embedding.layer=7"], "probe.embedding.layer=7: tiny has hidden layers"),
        (["optim.optimizer.lr=-1"], "optim"),
        (["resume=nothing.ckpt"], "nothing.ckpt: no such checkpoint"),
        (["trainer.max_steps=-1"], "trainer.max_epochs: the run has no end"),
        (["trainer=fsdp", "start_share=0.5"], "start_share=0.5: not with FSDP"),
        (["trainer=fsdp", "trainable=new_rows"], "trainable=new_rows: not with FSDP"),
        (["start_share=2"], "start_share=2: not a usable number. Give a number >= 0 and <= 1"),
        (["start_share=0.5", "trainable=lora"], "start_share=0.5: trainable=lora trains adapters"),
    ],
    ids=str,
)
def test_settings_of_train_that_cannot_work(
    overrides: list[str],
    message: str,
    cli_here: CliHere,
    cldr_pairs: PairsFolder,
    tmp_path: Path,
) -> None:
    small = [
        "encoder.vocab_size=600",
        "encoder.hidden_size=16",
        "trainer.max_steps=1",
        "trainer.enable_progress_bar=false",
    ]
    done = cli_here(
        "train", "experiment=quickstart", f"pairs={cldr_pairs.path}", "out=run", *small, *overrides
    )
    assert done.status == 1
    assert done.error.replace(f"{tmp_path}/", "").startswith(f"error: {message}")
    assert "Traceback" not in done.err


def test_multirun_sweeps(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").write_text("да\nнет\nможет быть\n")
    done = cli_here(
        "prepare",
        "-m",
        f"corpus.paths=[{tmp_path / 'rus_Cyrl.txt'}]",
        "out=a,b",
        "corpus.romanizer=none",
        "progress=false",
    )
    assert done.status == 0
    assert PairsFolder.open(tmp_path / "a").table.equals(PairsFolder.open(tmp_path / "b").table)


def test_values_of_environment_variables_stay_out_of_what_is_shared(
    cldr_pairs: PairsFolder, cli_here: CliHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a key names the variable, nor where it refers to such a key."""
    monkeypatch.setenv("SECRET", "sk-verysecret")
    secrets = (
        "+note=${oc.env:SECRET}",
        "+referring=${note}",
        '+nested={a: "${note}", b: ["${oc.env:SECRET}"], c: "x-${oc.env:SECRET}"}',
        "+default=${oc.env:NOT_SET,usual}",
    )
    short = ("objective=contrast", "trainer=cpu", "trainer.max_steps=1", "probe=none", *SMALL)
    given = (f"pairs={cldr_pairs.path}", "out=run", "logger=csv_tensorboard")
    done = cli_here("train", *given, *short, *secrets)
    assert done.status == 0, done.err
    names = ("results.json", "run.json", "hparams.yaml", "tensorboard/hparams.yaml")
    for name in (*names, "export/README.md", "train.log"):
        text = Path("run", name).read_text(encoding="utf-8")
        assert "verysecret" not in text
        if name not in ("run.json", "train.log"):  # which stay where the run is
            assert str(cldr_pairs.path) not in text, name
    for file in Path("run/export").rglob("*"):
        assert not file.is_file() or b"verysecret" not in file.read_bytes()
    config = json.loads(Path("run/results.json").read_text(encoding="utf-8"))["config"]
    assert config["note"] == config["referring"] == config["nested"]["a"] == "${oc.env:SECRET}"
    assert config["nested"]["c"] == "x-${oc.env:SECRET}"
    assert config["default"] == "${oc.env:NOT_SET,usual}"


def test_a_probe_records_no_value_of_an_environment_variable(
    cldr_pairs: PairsFolder,
    encoder_folder: Path,
    cli_here: CliHere,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "sk-verysecret")
    given = (f"pairs={cldr_pairs.path}", f"encoder.path={encoder_folder}", "out=probed.json")
    few = "probe.candidates.max=20"
    done = cli_here("probe", *given, few, "+note=${oc.env:SECRET}", "+referring=${note}")
    assert done.status == 0, done.err
    assert "verysecret" not in Path("probed.json").read_text(encoding="utf-8")


def test_independent_errors_are_told_at_once(cli_here: CliHere, cldr_pairs: PairsFolder) -> None:
    wrong = ("objective.tcm.weight=-1", "data.batch_size=0", "probe.search.similarity=cosin")
    done = cli_here("train", f"pairs={cldr_pairs.path}", "experiment=translico", *wrong)
    told = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.status == 1
    assert len(told) == 3
    for given, line in zip(wrong, told, strict=True):
        assert line.startswith(f"error: {given}:")


def test_errors_that_need_no_torch_are_told_first(cli_here: CliHere) -> None:
    done = cli_here("train", "pairs=nope", "trainer.max_epochs=null", "data.batch_size=0")
    told = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.status == 1
    assert [line.split(":")[1] for line in told] == [" trainer.max_epochs", " pairs=nope"]
