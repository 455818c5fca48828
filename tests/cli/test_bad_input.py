"""What users have on their disks, through the commands: one clear message and a non-zero exit, or a
counted skip.
"""

import errno
import importlib.util
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from tests.settings import SMALL, CliHere, Finished
from transliconet.pairs import PairsFolder
from transliconet.storage import scratch_folder


def refused(done: Finished, *parts: str) -> None:
    assert done.status == 1
    assert done.error, done.err
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.error


def prepare(cli_here: CliHere, *overrides: str) -> Finished:
    return cli_here("prepare", "out=pairs", "progress=false", *overrides)


def test_missing_file(cli_here: CliHere) -> None:
    refused(
        prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]"),
        "rus_Cyrl.txt",
        "no such file",
        "Check the path",
    )


def test_empty_file(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").touch()
    refused(
        prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]"),
        "no pair is left to write",
        "the source has no lines",
    )
    assert not (tmp_path / "pairs").exists()


def test_lines_that_cannot_be_used_are_counted_and_listed(
    cli_here: CliHere, tmp_path: Path
) -> None:
    """Invalid UTF-8, a NUL byte and a line of 1 MB, between good lines."""
    good = "хорошая строка".encode()
    bad = [b"\xff\xfe broken", b"a\0b", "д".encode() * 500_000]
    (tmp_path / "rus_Cyrl.txt").write_bytes(b"\n".join([good, *bad, good + b" 2", b""]))
    done = prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]")
    assert done.status == 0
    pairs = PairsFolder.open(tmp_path / "pairs")
    assert pairs.table["id"].to_pylist() == ["rus_Cyrl.txt:1", "rus_Cyrl.txt:5"]
    assert pairs.manifest["dropped"] == {"invalid_utf8": 1, "nul_byte": 1, "too_long": 1}
    assert all(reason in done.out for reason in pairs.manifest["dropped"])
    assert "skipped.jsonl" in done.out
    listed = [
        json.loads(x) for x in (tmp_path / "pairs" / "skipped.jsonl").read_text().splitlines()
    ]
    assert [(x["number"], x["reason"]) for x in listed] == [
        (2, "invalid_utf8"),
        (3, "nul_byte"),
        (4, "too_long"),
    ]


@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("ru.txt", [], ["ru.txt", "tags={ru: rus_Cyrl}", "TLN-DATA-233"]),
        ("qqz_Cyrl.txt", [], ["qqz_Cyrl.txt", "TLN-DATA-23"]),
        ("x.txt", ["corpus.lang=ru"], ["corpus.lang=ru", "rus_Cyrl", "TLN-DATA-234"]),
    ],
)
def test_wrong_language_tag(
    name: str, options: list[str], parts: list[str], cli_here: CliHere, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("да\n")
    refused(prepare(cli_here, f"corpus.paths=[{name}]", *options), *parts)


def test_csv_without_the_columns(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.csv").write_text("sentence\nда\n")
    done = prepare(cli_here, "corpus=csv", "corpus.paths=[rus_Cyrl.csv]")
    refused(done, "rus_Cyrl.csv", "no column 'text'", "'sentence'", "text_column")


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("corpus.dialect.quoting=x", "TLN-CONFIG-001"),
        ("corpus.text_column=0", "TLN-CONFIG-112"),
        ("corpus.tags=all", "TLN-CONFIG-236"),
    ],
)
def test_options_of_a_corpus_are_named_in_full(
    override: str, code: str, cli_here: CliHere, tmp_path: Path
) -> None:
    (tmp_path / "rus_Cyrl.csv").write_text("text\nда\n")
    done = prepare(cli_here, "corpus=delimited", "corpus.paths=[rus_Cyrl.csv]", override)
    refused(done, f"error: {override}: ", code)


def test_an_output_folder_that_is_there(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").write_text("да\n")
    (tmp_path / "pairs").mkdir()
    refused(
        prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]"),
        "out=pairs",
        "already there",
        "overwrite=true",
    )


def test_files_that_are_not_ours_are_not_replaced(
    cli_here: CliHere, cldr_pairs: PairsFolder, encoder_folder: Path, tmp_path: Path
) -> None:
    """By the two commands whose output is a file."""
    thesis = tmp_path / "thesis.md"
    thesis.write_text("years", encoding="utf-8")
    given = (
        f"pairs={cldr_pairs.path}",
        f"encoder.path={encoder_folder}",
        "probe.candidates.max=20",
    )
    probed = ("probe", *given, "overwrite=true")
    refused(cli_here(*probed, "out=thesis.md"), "thesis.md", "TLN-CONFIG-226")
    assert cli_here(*probed, "out=probed.json").status == 0
    assert cli_here(*probed, "out=probed.json").status == 0
    refused(cli_here("probe", *given, "out=probed.json"), "already there", "TLN-CONFIG-227")
    reported = ("report", "results=probed.json")
    refused(cli_here(*reported, "out=thesis"), "thesis.md", "TLN-CONFIG-226")
    names = ["probed.json", "probed.outcomes.parquet", "thesis.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert thesis.read_text(encoding="utf-8") == "years"
    assert cli_here(*reported, "out=page").status == 0
    assert cli_here(*reported, "out=page").status == 0


def damaged(cldr_pairs: PairsFolder, folder: Path, how: str) -> None:
    shutil.copytree(cldr_pairs.path, folder)
    part = next((folder / "data").glob("*.arrow"))
    if how == "no manifest":
        (folder / "manifest.json").unlink()
    elif how == "broken manifest":
        (folder / "manifest.json").write_text('{"rows": ')
    elif how == "half a data file":
        part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    elif how == "no data file":
        part.unlink()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no manifest", "half-written"),
        ("broken manifest", "manifest.json is not JSON"),
        ("half a data file", "a data file is damaged"),
        ("no data file", "0 rows where the manifest says"),
    ],
)
@pytest.mark.parametrize("command", ["train", "probe"])
def test_half_written_pairs_folder(
    command: str, how: str, message: str, cli_here: CliHere, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    damaged(cldr_pairs, tmp_path / "pairs", how)
    done = cli_here(command, "pairs=pairs", "encoder=local", "encoder.path=x", "out=out.json")
    refused(done, "pairs=pairs", message, "transliconet prepare")


def test_a_pairs_folder_without_room_for_caches(
    cli_here: CliHere, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    """As one that is read-only: token ids and anchors go elsewhere, which is said once."""
    shutil.copytree(cldr_pairs.path, tmp_path / "pairs", ignore=shutil.ignore_patterns("cache"))
    (tmp_path / "pairs" / "cache").touch()
    short = ("objective=anchored", "trainer=cpu", "trainer.max_steps=1", "probe=none")
    done = cli_here("train", "pairs=pairs", *SMALL, *short, "data.workers=0", "out=run")
    assert done.status == 0, done.err
    told = [line for line in (done.out + done.err).splitlines() if "no cache in" in line]
    assert len(told) == 1
    assert told[0].endswith(str(scratch_folder()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs", "run"]


def test_no_pairs_folder(cli_here: CliHere) -> None:
    refused(
        cli_here("train", "pairs=nowhere", "encoder=tiny", "out=r"),
        "pairs=nowhere",
        "no such pairs folder",
    )
    several = cli_here("train", "pairs=[one,two]", "encoder=tiny", "out=r")
    refused(several, "pairs=['one', 'two']", "not one folder", "data.also=[FOLDER]")


@pytest.mark.parametrize("command", ["train", "probe"])
def test_checkpoint_folders_without_weights_or_of_another_architecture(
    command: str, cli_here: CliHere, cldr_pairs: PairsFolder, encoder_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(encoder_folder, tmp_path / "encoder")
    call = (
        command,
        f"pairs={cldr_pairs.path}",
        "encoder=local",
        "encoder.path=encoder",
        "out=out.json",
    )
    config = json.loads((tmp_path / "encoder" / "config.json").read_text())
    (tmp_path / "encoder" / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    refused(cli_here(*call), "error: encoder.path=encoder:", "weights are missing: bert.")
    (tmp_path / "encoder" / "config.json").write_text(json.dumps(config))
    (tmp_path / "encoder" / "model.safetensors").unlink()
    refused(
        cli_here(*call), "encoder.path=encoder", "weights cannot be loaded", "model.safetensors"
    )
    refused(
        cli_here(*call[:-2], "encoder.path=nowhere/at/all", "out=o"),
        "error: encoder.path=nowhere/at/all:",
    )


def test_a_layer_beyond_the_encoder(
    cli_here: CliHere, cldr_pairs: PairsFolder, encoder_folder: Path
) -> None:
    call = [
        f"pairs={cldr_pairs.path}",
        "encoder=local",
        f"encoder.path={encoder_folder}",
        "data.max_length=32",
    ]
    refused(
        cli_here("train", *call, "out=run"),
        "objective.tcm.layer=8",
        "hidden layers 0 (embeddings) to 2",
        "'last'",
    )
    refused(
        cli_here("probe", *call[:-1], "probe.embedding.layer=3", "out=o.json"),
        "probe.embedding.layer=3",
        "0 (embeddings) to 2",
    )


def test_a_batch_of_one_pair(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").write_text("привет мир\n")
    assert prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]").status == 0
    small = [
        "encoder=tiny",
        "encoder.vocab_size=40",
        "encoder.layers=8",
        "trainer=cpu",
        "data.max_length=16",
    ]
    done = cli_here(
        "train", "pairs=pairs", *small, "probe=none", "trainer.enable_progress_bar=false", "out=run"
    )
    refused(done, "1 training pair(s)", "no negatives", "Prepare more text")
    refused(
        cli_here("train", "pairs=pairs", *small, "data.batch_size=1", "out=r2"), "data.batch_size=1"
    )


def test_export_of_what_is_no_run(cli_here: CliHere, tmp_path: Path) -> None:
    refused(cli_here("export", "run=.", "out=x"), "run=.", "not a run folder")


def test_ten_thousand_lines_of_random_bytes(cli_here: CliHere, tmp_path: Path) -> None:
    """Every line is a pair or is counted, and the same bytes give the same folder."""
    rng = random.Random(0)
    alphabet = [*range(256), *b"\n\0\xff\xc3", *"д\u202eक\u0301".encode()]
    lines = [
        bytes(rng.choices(alphabet, k=rng.randrange(60))).replace(b"\n", b"") for _ in range(9_000)
    ]
    lines += [
        "".join(
            chr(rng.choice((rng.randrange(32, 0xD800), rng.randrange(0xE000, 0x11000))))
            for _ in range(20)
        ).encode()
        for _ in range(1_000)
    ]
    rng.shuffle(lines)
    (tmp_path / "hin_Deva.txt").write_bytes(b"\n".join(lines) + b"\n")
    done = prepare(cli_here, "corpus.paths=[hin_Deva.txt]")
    assert done.status == 0
    pairs = PairsFolder.open(tmp_path / "pairs")
    counts = pairs.manifest["languages"]["hin_Deva"]
    assert counts["read"] == sum(1 for _ in (tmp_path / "hin_Deva.txt").open("rb"))
    assert counts["read"] == 10_000
    assert counts["read"] == counts["kept"] + sum(counts["dropped"].values())
    assert counts["kept"] == pairs.table.num_rows > 900
    listed = (pairs.path / "skipped.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(listed) == sum(counts["dropped"].values()) + counts["fallback"]


def test_mixed_line_ends_encodings_and_marks(cli_here: CliHere, tmp_path: Path) -> None:
    lines = [
        "\ufeffпервая\r\n".encode(),
        "вторая\n".encode("cp1251"),
        "третья\r\n".encode(),
        "\u202bчетвёртая\u202c\n".encode(),
    ]
    (tmp_path / "rus_Cyrl.txt").write_bytes(b"".join(lines) + "д".encode() * 10_000_000)
    assert prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]").status == 0
    pairs = PairsFolder.open(tmp_path / "pairs")
    assert pairs.table["text"].to_pylist() == ["первая", "третья", "четвёртая"]
    assert pairs.manifest["dropped"] == {"invalid_utf8": 1, "too_long": 1}


def test_a_full_disk(cli_here: CliHere, tmp_path: Path) -> None:
    """On a file system of 256 kB, where the test may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True
    ).returncode:
        pytest.skip("no right to mount a tmpfs")
    try:
        (tmp_path / "rus_Cyrl.txt").write_text(
            "\n".join(f"строка {i} {random.random()}" for i in range(20_000))
        )
        done = cli_here(
            "prepare", f"out={small}/pairs", "progress=false", "corpus.paths=[rus_Cyrl.txt]"
        )
        refused(done, "the disk is full", "Make room and run the same command again")
        assert not (small / "pairs").exists()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_disk_that_is_full_in_the_middle_of_a_checkpoint(
    cli_here: CliHere, cldr_pairs: PairsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, saved = torch.save, []

    def full_at_the_second(content: object, file: BinaryIO) -> None:
        saved.append(content)
        if len(saved) == 1:
            return save(content, file)
        file.write(b"half a checkpoint")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, "save", full_at_the_second)
    short = ("objective=contrast", "trainer=cpu", "trainer.max_steps=2", "probe=none")
    every_step = ("checkpoint.every_n_train_steps=1", "data.workers=0")
    done = cli_here("train", f"pairs={cldr_pairs.path}", *SMALL, *short, *every_step, "out=run")
    refused(done, "the disk is full", "resume=last", "TLN-STORAGE-220")
    assert done.err.count("error: ") == 1
    assert [file.name for file in (tmp_path / "run" / "checkpoints").iterdir()] == ["last.ckpt"]
    assert not list(tmp_path.rglob("*.partial"))


def test_a_dry_run_prints_the_table_and_writes_nothing(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").write_text("да\nда\nнет\n")
    done = cli_here("prepare", "corpus.paths=[rus_Cyrl.txt]", "dry_run=true", "progress=false")
    assert done.status == 0
    assert "dry run: 2 lines in 1 languages and 1 scripts would be romanized" in done.out
    assert [p.name for p in tmp_path.iterdir()] == ["rus_Cyrl.txt"]


def test_a_hub_name_that_is_not_there(cli_here: CliHere) -> None:
    pytest.importorskip("datasets")
    refused(
        prepare(cli_here, "corpus=hub", "corpus.name=someone/nothing"),
        "corpus.name=someone/nothing",
        "cannot be read",
    )


@pytest.mark.parametrize(("name", "package"), [("icu", "icu"), ("none", "")])
def test_other_romanizers(name: str, package: str, cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.txt").write_text("да\n")
    done = prepare(cli_here, "corpus.paths=[rus_Cyrl.txt]", f"corpus.romanizer={name}")
    if package and importlib.util.find_spec(package) is None:
        refused(done, "corpus.romanizer=icu", "PyICU is not installed", ".[icu]")
    else:
        expected = {"icu": "da", "none": "да"}[name]
        assert PairsFolder.open(tmp_path / "pairs").table["romanized"].to_pylist() == [expected]
