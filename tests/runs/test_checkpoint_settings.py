"""What a checkpoint says about itself holds from anchors to export, and a run that differs says so."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import transliconet as tn
from tests.model.test_sentence import sentence_checkpoint
from transliconet.batch import INPUT_IDS
from transliconet.data.datamodule import PairsDataModule
from transliconet.data.settings import DataSettings
from transliconet.model.encoder import Encoder
from transliconet.model.load import load_model
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.anchors import ANCHOR, Anchors
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import BatchNeeds
from transliconet.tokens.noise import Augment
from transliconet.vocab.trim import Trim

PROMPT = "ka "


@pytest.fixture
def checkpoint(make_encoder: Callable[..., Encoder], tmp_path: Path) -> Path:
    """A checkpoint of sentence-transformers: the mean over all tokens, of which it takes 24, and ``ka``
    before every text.
    """
    encoder = make_encoder()
    with torch.no_grad():  # vectors that differ more from text to text than those of small weights
        for parameter in encoder.parameters():
            if parameter.ndim == 2:
                parameter.mul_(5)
    sentence_checkpoint(tmp_path, encoder, "mean")
    return tmp_path / "model"


def test_a_whole_retrieval_is_that_of_sentence_transformers(
    checkpoint: Path, cldr_pairs: PairsFolder
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    encoder = tn.load(checkpoint)
    model = SentenceTransformer(str(checkpoint), device="cpu")
    compared = []
    for record in tn.RetrievalProbe(candidates=tn.Candidates(max=30)).run(encoder, cldr_pairs):
        assert record.outcomes is not None
        chosen = set(record.outcomes.ids)
        rows = cldr_pairs.split("heldout", languages=[record.language]).to_pylist()
        native = {row["id"]: row["text"] for row in rows if row["id"] in chosen}
        romanized = {row["id"]: row["romanized"] for row in rows if row["id"] in chosen}
        cosines = tn.embed(encoder, native.values(), normalize=True)
        cosines = cosines @ tn.embed(encoder, romanized.values(), normalize=True).T
        if not record.task.startswith("native"):
            cosines = cosines.T
        gaps = np.abs(cosines - np.diag(cosines)[:, None]) + np.eye(len(cosines))
        if gaps.min() < 1e-5:
            continue  # a tie, as far as float32 can tell
        forth = record.task == "native→romanized"
        evaluator = InformationRetrievalEvaluator(
            native if forth else romanized,
            romanized if forth else native,
            {id_: {id_} for id_ in native},
            accuracy_at_k=[1, 5, 10],
            mrr_at_k=[100],
            query_prompt=PROMPT,
            corpus_prompt=PROMPT,
            write_csv=False,
        )
        theirs = evaluator(model)
        for k in (1, 5, 10):
            assert record.acc[k] == pytest.approx(theirs[f"cosine_accuracy@{k}"], abs=1e-5)
        assert record.mrr == pytest.approx(theirs["cosine_mrr@100"], abs=1e-5)
        compared.append(record.mrr)
    assert len(compared) >= 4
    # they are not all right or all wrong
    assert 0.05 < np.mean(compared) < 0.95


def batch_of(encoder: Encoder, pairs: PairsFolder, **settings: object) -> tuple[dict, list[str]]:
    """The first batch with its anchors, and the names under which these are cached."""
    needs = BatchNeeds(fields=(Anchors(encoder),))
    data = PairsDataModule(
        pairs,
        encoder.tokenizer,
        DataSettings(batch_size=16, max_length=24, **settings),  # type: ignore[arg-type]
        needs,
        prompt=encoder.prompt,
    )
    data.setup()
    names = data._sources
    return next(iter(data.train_dataloader())), [str(name) for name in names]


def test_anchors_their_cache_and_noisy_rows_have_the_prompt(
    checkpoint: Path, cldr_pairs: PairsFolder
) -> None:
    with_prompt, without = tn.load(checkpoint), tn.load(checkpoint, prompt="")
    batch, names = batch_of(with_prompt, cldr_pairs)
    bare, bare_names = batch_of(without, cldr_pairs)
    assert set(names).isdisjoint(bare_names)
    special = set(with_prompt.tokenizer.all_special_ids)
    texts = []
    for ids in bare[INPUT_IDS][:16].tolist():
        texts.append(with_prompt.tokenizer.decode([i for i in ids if i not in special]))
    short = [i for i, ids in enumerate(batch[INPUT_IDS][:16]) if (ids != 1).sum() < 22]
    assert len(short) > 8
    expected = tn.embed(with_prompt, texts)  # the checkpoint's own pooling and prompt
    np.testing.assert_allclose(batch[ANCHOR][short], expected[short], atol=1e-5)
    assert (batch[ANCHOR] - bare[ANCHOR]).abs().max() > 1e-3
    # noise leaves the prompt as it is
    start = with_prompt.tokenizer(PROMPT.strip(), add_special_tokens=False)["input_ids"]
    noisy, _ = batch_of(with_prompt, cldr_pairs, augment=Augment(typed=1.0, mixed=1.0))
    assert not torch.equal(noisy[INPUT_IDS], batch[INPUT_IDS])
    for ids in noisy[INPUT_IDS]:
        assert ids[1 : len(start) + 1].tolist() == start


def test_a_whole_run_uses_pooling_and_prompt_and_says_where_it_differs(
    checkpoint: Path, cldr_pairs: PairsFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sentence_transformers import SentenceTransformer

    def warnings() -> str:
        shown = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        caplog.clear()
        return "\n".join(line for line in shown if "itself has" in line)

    settings = {"steps": 2, "batch_size": 8, "learning_rate": 1e-2, "checkpoints": None}
    anchored = {"anchor": AnchoredContrast()}
    done = tn.fit(
        tn.load(checkpoint),
        cldr_pairs,
        anchored,
        tmp_path / "run",
        max_length=24,
        method=Trim(),
        graft=False,
        probe=tn.RetrievalProbe(),
        **settings,
    )
    assert warnings() == ""
    assert json.loads((done.out / "results.json").read_text())["prompt"] == PROMPT
    texts = ["Москва", "Ελλάδα"]
    ours = tn.embed(tn.load(done.export), texts, normalize=True)
    theirs = SentenceTransformer(str(done.export), device="cpu").encode(texts)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert np.abs(ours - tn.embed(tn.load(checkpoint), texts, normalize=True)).max() > 1e-3
    # the trimmed vocabulary has the prompt's tokens
    kept = tn.load(done.export).tokenizer(PROMPT)["input_ids"]
    assert tn.load(done.export).tokenizer.unk_token_id not in kept
    other = {"anchor": AnchoredContrast(pooling="max")}
    tn.fit(tn.load(checkpoint), cldr_pairs, other, tmp_path / "other", max_length=30, **settings)
    shown = warnings()
    assert "pooling='max' is used" in shown
    assert "max_length=30 is used" in shown


def test_weights_in_bfloat16_are_loaded_as_float32_with_a_warning(
    make_encoder: Callable[..., Encoder], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    masked_lm = make_encoder().masked_lm.bfloat16()
    masked_lm.save_pretrained(tmp_path)
    from transformers import AutoConfig

    loaded = load_model(str(tmp_path), AutoConfig.from_pretrained(tmp_path), None)
    assert loaded.dtype == torch.float32
    assert "itself has dtype='bfloat16'" in caplog.text
