"""Training from Python: the run folder is that of the command, and the arguments arrive where they
should.
"""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import transliconet as tn
from tests.settings import raises
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.report.load import load_results
from transliconet.runs.hf_folder import encoder_from_checkpoint
from transliconet.train.module import PREFIX
from transliconet.vocab.transmi import TransMI

CONTRAST = TransliterationContrast(
    1.0, 1.0, "last", similarity="cosine", temperature=0.05, input="clean"
)


def test_fit_leaves_a_run_folder_and_a_better_encoder(
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    encoder = make_encoder()
    result = tn.fit(
        encoder,
        cldr_pairs,
        {"tcm": CONTRAST},
        tmp_path / "run",
        steps=60,
        batch_size=64,
        learning_rate=1e-3,
        probe=tn.RetrievalProbe(),
        probe_every_n_steps=30,
    )
    assert capsys.readouterr().out == ""
    before, after = ([r.acc[1] for r in result.records[stage]] for stage in ("before", "after"))
    assert sum(after) / len(after) > sum(before) / len(before) + 0.1
    with (tmp_path / "run" / "metrics.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [int(row["step"]) for row in rows if row["probe/native→romanized"]] == [30, 60]
    columns = load_results([tmp_path / "run"])
    assert [c.name for c in columns] == ["before", "after"]
    assert columns[0].content["config"]["objective"]["tcm"]["temperature"] == 0.05
    texts = cldr_pairs.split("heldout")["text"].to_pylist()[:5]
    torch.testing.assert_close(
        *map(torch.tensor, (tn.embed(tn.load(result.export), texts), tn.embed(encoder, texts)))
    )
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    def weights(seed: int) -> torch.Tensor:
        encoder = make_encoder()
        objectives = {"mlm": MaskedLanguageModel(), "tcm": replace(CONTRAST, input="masked")}
        tn.fit(
            encoder,
            cldr_pairs,
            objectives,
            tmp_path / "run",
            steps=3,
            batch_size=8,
            seed=seed,
            overwrite=True,
        )
        return encoder.masked_lm.get_input_embeddings().weight.detach()

    first, again, other = weights(0), weights(0), weights(1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_anchors_and_new_rows_as_the_recommended_recipe_has_them(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    encoder = make_encoder()
    size = len(encoder.tokenizer)
    start = encoder.masked_lm.get_input_embeddings().weight.detach().clone()
    anchored = AnchoredContrast(weight=1.0, cached_negatives=64)
    tn.fit(
        encoder,
        cldr_pairs,
        {"anchor": anchored},
        tmp_path / "run",
        steps=3,
        batch_size=16,
        method=TransMI(),
        trainable="new_rows_and_body",
        new_rows_lr_factor=10.0,
    )
    rows = tn.load(tmp_path / "run" / "export").masked_lm.get_input_embeddings().weight
    assert len(rows) > size
    assert torch.equal(rows[:size], start[:size])
    assert not torch.equal(rows[size:], start[size:])


def test_a_share_of_the_starting_weights_stays_in_all_but_the_token_embeddings(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    start = dict(make_encoder().masked_lm.named_parameters())

    def weights(share: float) -> dict[str, torch.Tensor]:
        result = tn.fit(
            make_encoder(),
            cldr_pairs,
            {"anchor": AnchoredContrast(weight=1.0, cached_negatives=64)},
            tmp_path / str(share),
            steps=2,
            batch_size=16,
            learning_rate=1e-3,
            start_share=share,
        )
        return dict(tn.load(result.export).masked_lm.named_parameters())

    trained, blended = weights(0.0), weights(0.25)
    layer = "roberta.encoder.layer.0.output.dense.weight"
    assert not torch.equal(trained[layer], start[layer])
    for name, weight in trained.items():
        # the token embeddings, by the name of the head that is tied to them
        embeddings = name == "lm_head.decoder.weight"
        expected = weight if embeddings else 0.25 * start[name] + 0.75 * weight
        torch.testing.assert_close(blended[name], expected)
    # a run that is resumed goes on from the trained weights; an export has its share of the start
    checkpoint = torch.load(tmp_path / "0.25" / "checkpoints" / "last.ckpt", weights_only=True)
    torch.testing.assert_close(
        checkpoint["state_dict"][f"{PREFIX}masked_lm.{layer}"], trained[layer]
    )
    exported = encoder_from_checkpoint(tmp_path / "0.25")
    torch.testing.assert_close(exported.masked_lm.get_parameter(layer), blended[layer])


def test_impossible_arguments(encoder: Encoder, cldr_pairs: PairsFolder, tmp_path: Path) -> None:
    for wrong, code in (
        ({"steps": 0}, "TLN-CONFIG-002"),
        ({"steps": 1, "learning_rate": 0.0}, "TLN-CONFIG-002"),
        ({"steps": 1, "trainable": "nothing"}, "TLN-CONFIG-001"),
        ({"steps": 1, "start_share": 1.5}, "TLN-CONFIG-002"),
        ({"steps": 1, "trainable": "lora", "start_share": 0.5}, "TLN-CONFIG-426"),
    ):
        with raises(code, naming=[*wrong][-1]):
            # type: ignore[arg-type]
            tn.fit(encoder, cldr_pairs, {"tcm": CONTRAST}, tmp_path / "run", **wrong)
    with raises("TLN-CONFIG-501"):
        tn.fit(
            encoder, cldr_pairs, {"tcm": replace(CONTRAST, weight=0.0)}, tmp_path / "run", steps=1
        )
