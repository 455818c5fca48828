"""Every recipe runs by name on a pairs folder and an encoder, and leaves an export that loads."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.settings import SMALL_BATCHES, CliHere
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.runs.hf_folder import export_encoder
from transliconet.vocab.apply import changed_share

TABLE = "roberta.embeddings.word_embeddings.weight"
SMALL_RUN = (
    *SMALL_BATCHES,
    "trainer=cpu",
    "trainer.devices=1",
    "trainer.max_steps=2",
    "trainer.max_epochs=-1",
    "trainer.precision=32-true",
    "trainer.accumulate_grad_batches=1",
    "logger=csv",
)
SMALL_PROBE = "probe.embedding.layer=last"


@pytest.fixture(scope="module")
def start(make_encoder: Callable[..., Encoder], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten layers, since the papers' contrast reads the eighth."""
    return export_encoder(
        make_encoder(layers=10, hidden_size=16),
        tmp_path_factory.mktemp("start") / "encoder",
        "card",
    )


def recipe(cli_here: CliHere, name: str, start: Path, pairs: PairsFolder, *more: str) -> Encoder:
    options = [
        *SMALL_RUN,
        SMALL_PROBE,
        "encoder=local",
        f"encoder.path={start}",
        f"pairs={pairs.path}",
        f"out={name}",
        *more,
    ]
    done = cli_here("train", f"experiment={name}", *options)
    assert done.status == 0, done.err
    return Encoder.from_pretrained(f"{name}/export")


OF_OTHER_PAPERS = {
    "muril": ["data.pivot=[rus_Cyrl]"],
    "langsamp": [],
    "lexical": [],
    "bistil": ["method.layers=5"],
}


@pytest.mark.parametrize("name", ["translico", "ppa", "anchored", *OF_OTHER_PAPERS])
def test_recipes_that_keep_the_vocabulary(
    name: str, start: Path, cldr_pairs: PairsFolder, cli_here: CliHere, tmp_path: Path
) -> None:
    trained = recipe(cli_here, name, start, cldr_pairs, *OF_OTHER_PAPERS.get(name, []))
    before, after = (
        Encoder.from_pretrained(str(start)).masked_lm.state_dict(),
        trained.masked_lm.state_dict(),
    )
    assert not torch.equal(before[TABLE], after[TABLE])
    results = json.loads((tmp_path / name / "results.json").read_text(encoding="utf-8"))
    assert {r["stage"] for r in results["records"]} == {"before", "after"}
    assert results["training"]["steps"] == 2
    assert sum(results["training"]["pairs"].values()) > 0


def test_recommended_adds_pieces_and_leaves_native_text_cut_as_it_was(
    start: Path, cldr_pairs: PairsFolder, cli_here: CliHere
) -> None:
    before = Encoder.from_pretrained(str(start))
    trained = recipe(
        cli_here, "recommended", start, cldr_pairs, "objective.anchor.cached_negatives=32"
    )
    first = len(before.tokenizer)
    table = trained.masked_lm.state_dict()[TABLE]
    assert (
        trained.masked_lm.config.original_vocabulary == first < len(trained.tokenizer) == len(table)
    )
    assert torch.equal(table[:first], before.masked_lm.state_dict()[TABLE])
    layer = "roberta.encoder.layer.3.output.dense.weight"
    assert not torch.equal(
        trained.masked_lm.state_dict()[layer], before.masked_lm.state_dict()[layer]
    )
    rows = cldr_pairs.split("all")
    assert changed_share(before.tokenizer, trained.tokenizer, rows["text"].to_pylist()) == 0
    assert changed_share(before.tokenizer, trained.tokenizer, rows["romanized"].to_pylist()) > 0


def test_transmi_trains_nothing(
    start: Path, cldr_pairs: PairsFolder, cli_here: CliHere, tmp_path: Path
) -> None:
    made = recipe(cli_here, "transmi", start, cldr_pairs, "trainer.max_steps=0")
    before, after = (
        Encoder.from_pretrained(str(start)).masked_lm.state_dict(),
        made.masked_lm.state_dict(),
    )
    assert torch.equal(after[TABLE][: len(before[TABLE])], before[TABLE])
    others = before.keys() - {
        TABLE,
        "lm_head.decoder.weight",
        "lm_head.bias",
        "lm_head.decoder.bias",
    }
    assert all(torch.equal(before[name], after[name]) for name in others)
    assert json.loads((tmp_path / "transmi" / "results.json").read_text())["training"]["steps"] == 0


def test_parts_are_summed_and_every_option_of_training_is_reached(
    start: Path, cldr_pairs: PairsFolder, cli_here: CliHere, tmp_path: Path
) -> None:
    weights = [
        f"objective.{part}.weight=1" for part in ("mlm", "tcm", "tlm", "word_alignment", "anchor")
    ]
    options = [
        "trainable=all",
        "frozen_layers=3",
        "optim.layer_decay=0.9",
        "data.by_language=true",
        "data.skip_unchanged=false",
        f"data.also=[{cldr_pairs.path}]",
        "data.augment.mixed=0.5",
        "data.augment.typed=0.5",
        "data.workers=2",
        "objective.tcm.layer=[2,last]",
        "objective.tcm.exclude_overlap=0.8",
        "objective.anchor.pull=1",
        "probe_every_n_steps=1",
        "trainer.log_every_n_steps=1",
        "objective.mlm.chunk_size=8",
    ]
    done = cli_here(
        "train",
        *SMALL_RUN,
        SMALL_PROBE,
        "objective=parts",
        *weights,
        *options,
        "encoder=local",
        f"encoder.path={start}",
        f"pairs={cldr_pairs.path}",
        "out=sum",
    )
    assert done.status == 0, done.err
    with (tmp_path / "sum" / "metrics.csv").open() as f:
        row = next(csv.DictReader(f))
    terms = {name.removeprefix("loss/") for name in row if name.startswith("loss/")}
    assert terms == {"mlm_native", "mlm_romanized", "tcm", "tlm", "words", "anchor", "pull"}
    before = Encoder.from_pretrained(str(start)).masked_lm.state_dict()
    after = Encoder.from_pretrained("sum/export").masked_lm.state_dict()
    layer = "roberta.encoder.layer.{}.output.dense.weight".format
    assert [torch.equal(before[layer(i)], after[layer(i)]) for i in (0, 2, 3, 9)] == [
        True,
        True,
        False,
        False,
    ]


def test_an_experiment_that_sets_the_probe_runs_without_one(
    start: Path, cldr_pairs: PairsFolder, cli_here: CliHere, tmp_path: Path
) -> None:
    done = cli_here(
        "train",
        "experiment=translico",
        *SMALL_RUN,
        "probe=none",
        "encoder=local",
        f"encoder.path={start}",
        f"pairs={cldr_pairs.path}",
        "out=quiet",
    )
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "quiet" / "results.json").read_text())["records"] == []
