"""A vocabulary is trimmed, saved, trained and put back, and what was not trained comes back
byte for byte.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.settings import raises
from tests.vocab.tokenizers import NATIVE, encoder_with, wordpiece
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.results import read_results
from transliconet.romanizers.base import Identity
from transliconet.runs.hf_folder import export_encoder
from transliconet.unicode_script import scripts_in
from transliconet.vocab.apply import changed_share, extend
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.graft import Graft
from transliconet.vocab.merge import NewSubword
from transliconet.vocab.trim import Trim, most_frequent_by_script

TEXTS = ["Москва и Киев", "Moskva i Kiev", "Ελλάδα"]
TABLE = "roberta.embeddings.word_embeddings.weight"


def trim(encoder: Encoder, texts: list[str], floor: int = 0) -> tuple[Encoder, dict[str, int]]:
    inputs = VocabularyInputs([Identity()], native={"und_Zyyy": texts})
    change = Trim(floor)(encoder, inputs)
    return change.encoder, dict(change.counts)


@pytest.fixture
def full(make_encoder: Callable[..., Encoder], tmp_path: Path) -> Path:
    return export_encoder(make_encoder(), tmp_path / "full", "card")


def test_text_of_the_corpus_keeps_its_tokenization_and_its_vectors(
    full: Path, tmp_path: Path
) -> None:
    before = Encoder.from_pretrained(str(full))
    size, vectors = len(before.tokenizer), embed(before, TEXTS)
    pieces = [before.tokenizer.tokenize(t) for t in TEXTS]
    trimmed, counts = trim(Encoder.from_pretrained(str(full)), TEXTS)
    assert counts["kept"] == len(trimmed.tokenizer) < size / 4
    assert counts["kept"] + counts["removed"] == size
    export_encoder(trimmed, tmp_path / "trimmed", "card")
    loaded = Encoder.from_pretrained(str(tmp_path / "trimmed"))
    for encoder in (trimmed, loaded):
        assert [encoder.tokenizer.tokenize(t) for t in TEXTS] == pieces
        assert changed_share(before.tokenizer, encoder.tokenizer, TEXTS) == 0
        assert changed_share(before.tokenizer, encoder.tokenizer, ["საქართველო"]) == 1
        np.testing.assert_array_equal(embed(encoder, TEXTS), vectors)
        tokenizer, config = encoder.tokenizer, encoder.masked_lm.config
        assert (config.pad_token_id, config.bos_token_id) == (
            tokenizer.pad_token_id,
            tokenizer.bos_token_id,
        )
        assert tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id) == "<mask>"
        assert tokenizer("да")["input_ids"][0] == tokenizer.bos_token_id
        assert (
            encoder.masked_lm.lm_head.decoder.weight
            is encoder.masked_lm.get_input_embeddings().weight
        )
        assert len(encoder.masked_lm.lm_head.bias) == len(tokenizer)


def test_the_most_frequent_subwords_of_every_script_are_kept(full: Path) -> None:
    encoder = Encoder.from_pretrained(str(full))
    vocabulary = family_of(encoder.tokenizer).vocabulary()
    trimmed, counts = trim(encoder, ["Ελλάδα"], floor=5)
    kept = [piece for piece, _ in family_of(trimmed.tokenizer).vocabulary()]
    assert counts["kept by min_per_script"] > 0
    for script in ("Thai", "Cyrl", "Hebr", "Latn"):
        scores = [(score, piece) for piece, score in vocabulary if script in scripts_in(piece)]
        assert {piece for _, piece in sorted(scores, reverse=True)[:4]} <= set(kept)
    assert most_frequent_by_script([("▁да", -2.0), ("нет", -1.0), ("no", -3.0)], 1) == {1, 2}


def test_subwords_are_chosen_by_script_and_probability_without_pairs(full: Path) -> None:
    encoder = Encoder.from_pretrained(str(full))
    vocabulary = family_of(encoder.tokenizer).vocabulary()
    pieces = encoder.tokenizer.tokenize("Москва 24")
    change = Trim(0, scripts=["Cyrl"])(encoder, VocabularyInputs())
    kept = dict(family_of(change.encoder.tokenizer).vocabulary())
    assert change.encoder.tokenizer.tokenize("Москва 24") == pieces
    ordinary = [s for s in kept if s not in encoder.tokenizer.all_special_tokens]
    assert {script for s in ordinary for script in scripts_in(s)} == {"Cyrl"}
    assert {s for s, _ in vocabulary if scripts_in(s) <= {"Cyrl"}} <= set(kept)
    frequent = Trim(0, min_probability=1e-3)(
        Encoder.from_pretrained(str(full)), VocabularyInputs()
    ).encoder
    specials = set(frequent.tokenizer.all_special_tokens)
    expected = {s for s, score in vocabulary if np.exp(score) >= 1e-3}
    assert set(frequent.tokenizer.get_vocab()) - specials == expected - specials
    assert 10 < len(expected) < len(vocabulary) / 2


def test_the_choice_by_script_needs_no_probabilities() -> None:
    encoder = encoder_with(wordpiece(NATIVE, 80))
    with raises("TLN-CONFIG-707", naming="min_probability"):
        Trim(0, min_probability=1e-3)(encoder, VocabularyInputs())
    with raises("TLN-CONFIG-708", naming="scripts"):
        Trim(0, scripts=["Latn", "Thai"])(encoder, VocabularyInputs())
    trimmed = Trim(0, scripts=["Latn"])(encoder, VocabularyInputs()).encoder
    assert trimmed.tokenizer.tokenize("hello world") == encoder.tokenizer.tokenize("hello world")
    assert trimmed.tokenizer.tokenize("мир") == ["[UNK]"]


def test_a_trained_trimmed_model_is_grafted_back_byte_for_byte(full: Path, tmp_path: Path) -> None:
    before = Encoder.from_pretrained(str(full))
    table, bias = before.masked_lm.state_dict()[TABLE], before.masked_lm.lm_head.bias.detach()
    trimmed, _ = trim(Encoder.from_pretrained(str(full)), TEXTS)
    pieces = [piece for piece, _ in family_of(trimmed.tokenizer).vocabulary()]
    ids = before.tokenizer.convert_tokens_to_ids(pieces)
    moved = pieces.index("▁Киев") if "▁Киев" in pieces else 10
    with torch.no_grad():
        trimmed.masked_lm.get_input_embeddings().weight[moved] += 1
        trimmed.masked_lm.lm_head.bias[moved] += 2
        trimmed.masked_lm.roberta.encoder.layer[0].output.dense.weight += 0.1
    vectors = embed(trimmed, TEXTS)
    change = Graft(str(full))(trimmed, VocabularyInputs([Identity()]))
    grafted = change.encoder
    assert change.counts == {"put back": len(pieces), "unchanged": len(table) - len(pieces)}
    export_encoder(grafted, tmp_path / "grafted", "card")
    loaded = Encoder.from_pretrained(str(tmp_path / "grafted"))
    after = loaded.masked_lm.state_dict()
    untouched = torch.ones(len(table), dtype=torch.bool)
    untouched[ids[moved]] = False
    assert torch.equal(after[TABLE][untouched], table[untouched])
    assert torch.equal(after["lm_head.bias"][untouched], bias[untouched])
    torch.testing.assert_close(after[TABLE][ids[moved]], table[ids[moved]] + 1)
    torch.testing.assert_close(after["lm_head.bias"][ids[moved]], bias[ids[moved]] + 2)
    assert loaded.tokenizer.get_vocab() == before.tokenizer.get_vocab()
    np.testing.assert_array_equal(embed(loaded, TEXTS), vectors)
    assert loaded.masked_lm.lm_head.decoder.weight is loaded.masked_lm.get_input_embeddings().weight


def test_new_pieces_stay_the_last_ones(make_encoder: Callable[..., Encoder]) -> None:
    encoder = make_encoder()
    extended = extend(
        encoder, [NewSubword("▁Moskvaq", -3.0, (9,)), NewSubword("▁zzqz", -3.0, (8,))]
    )
    trimmed, _ = trim(extended, ["Moskvaq Киев"])
    first = trimmed.masked_lm.config.original_vocabulary
    assert [p for p, _ in family_of(trimmed.tokenizer).vocabulary()][first:] == ["▁Moskvaq"]


def test_what_cannot_be_trimmed_or_grafted_is_told(
    full: Path, make_encoder: Callable[..., Encoder]
) -> None:
    with raises("TLN-CONFIG-705"):
        trim(make_encoder(), [])
    extended = extend(make_encoder(), [NewSubword("▁zzqz", -3.0, (8,))])
    with raises("TLN-CKPT-423"):
        Graft(str(full))(extended, VocabularyInputs([Identity()]))
    with raises("TLN-CKPT-702"):
        Graft(str(full))(make_encoder(hidden_size=16), VocabularyInputs([Identity()]))


def test_the_commands(
    full: Path, cldr_pairs: PairsFolder, cli_here: Callable, tmp_path: Path
) -> None:
    done = cli_here(
        "vocab", f"encoder.path={full}", "method=trim", f"pairs={cldr_pairs.path}", "out=small"
    )
    assert done.status == 0, done.err
    assert "removed" in done.out
    done = cli_here(
        "vocab", "encoder.path=small", "method=graft", f"method.full={full}", "out=back"
    )
    assert done.status == 0, done.err
    before, after = (
        Encoder.from_pretrained(str(p)).masked_lm.state_dict() for p in (full, tmp_path / "back")
    )
    assert all(torch.equal(before[name], after[name]) for name in before)
    done = cli_here(
        "vocab", f"encoder.path={full}", "method=transmi", "protect=[eng_Latn]", "out=x"
    )
    assert "error: protect=['eng_Latn']: no pairs folder to take their text from" in done.err
    done = cli_here("vocab", f"encoder.path={full}", "method=transmi", "protect=english", "out=x")
    assert "error: protect=english: not a list of tags" in done.err


def test_training_with_a_trimmed_vocabulary_exports_the_full_one(
    run_cli: Callable,
    encoder_folder: Path,
    cldr_pairs: PairsFolder,
    tmp_path: Path,
) -> None:
    done = run_cli(
        "train",
        f"pairs={cldr_pairs.path}",
        "encoder=local",
        f"encoder.path={encoder_folder}",
        "method=trim",
        "method.min_per_script=0",
        "objective.tcm.layer=1",
        "data.languages=[kat_Geor]",
        "data.batch_size=32",
        "data.max_length=48",
        "trainer=cpu",
        "trainer.max_steps=3",
        "trainer.enable_progress_bar=false",
        "logger=none",
        "out=run",
        "optim.optimizer.lr=1e-3",
        "probe.languages=[kat_Geor,ell_Grek]",
        "protect=[]",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    start, end = (
        Encoder.from_pretrained(str(folder))
        for folder in (encoder_folder, tmp_path / "run" / "export")
    )
    assert [p for p, _ in family_of(start.tokenizer).vocabulary()] == [
        p for p, _ in family_of(end.tokenizer).vocabulary()
    ]
    before, after = (e.masked_lm.get_input_embeddings().weight for e in (start, end))
    moved = (before != after).any(1)
    kept = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert 0 < int(moved.sum()) <= len(kept[f"encoder.masked_lm.{TABLE}"]) < len(before) / 2
    ids = start.tokenizer("Κύπρος")["input_ids"]  # of a language not trained on
    assert bool(moved[start.tokenizer("საქართველო")["input_ids"]].any())
    assert not bool(moved[[i for i in ids if i not in start.tokenizer.all_special_ids]].all())
    results = read_results(tmp_path / "run" / "results.json")
    assert {r.language for r in results["before"]} == {"kat_Geor", "ell_Grek"}
