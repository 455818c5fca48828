"""The interface for notebooks: the README's lines run, names are stable, and importing stays
quick.
"""

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

import transliconet as tn
from tests.settings import raises
from transliconet.model.embed import embed as embed_texts
from transliconet.model.encoder import Encoder


def test_load_embed_search_and_map(encoder_folder: Path, tmp_path: Path) -> None:
    encoder = tn.load(str(encoder_folder))
    texts = ["Москва", "Київ", "Ελλάδα", "Κύπρος", "საქართველო"]
    romanized = (
        tn.romanize(texts[:2], "rus_Cyrl")
        + tn.romanize(texts[2:4], "ell_Grek")
        + tn.romanize(texts[4:])
    )
    assert romanized[0] == "Moskva"
    assert tn.romanize("Москва", "rus_Cyrl") == "Moskva"  # one text, not its letters
    vectors, others = tn.embed(encoder, texts), tn.embed(encoder, romanized)
    found = tn.nearest(vectors, others, 3)
    assert found.positions.shape == found.cosines.shape == (5, 3)
    assert (np.diff(found.cosines) <= 0).all()
    slow = others @ vectors[0] / np.linalg.norm(others, axis=1) / np.linalg.norm(vectors[0])
    assert found.positions[0].tolist() == np.argsort(-slow)[:3].tolist()
    assert tn.nearest(vectors, others[:2], 9).positions.shape == (5, 2)  # never more than there are
    figure = tn.plot_map({"native": vectors, "romanized": others}, tmp_path / "map.png", "before")
    assert (tmp_path / "map.png").stat().st_size > 5000
    assert "before, by group: native, romanized" in figure.description


def test_cldr_pairs_are_made_once_and_others_are_not_taken_for_them(tmp_path: Path) -> None:
    tags = ["ell_Grek", "fra_Latn"]
    made = tn.prepare_cldr(tmp_path / "pairs", tags, ["territories"], heldout=0.2)
    assert sorted(made.manifest["languages"]) == tags
    assert 0.1 < made.split("heldout").num_rows / made.table.num_rows < 0.3
    written = (tmp_path / "pairs" / "manifest.json").stat().st_mtime_ns
    again = tn.prepare_cldr(str(tmp_path / "pairs"), tags, ["territories"], heldout=0.2)
    assert again.table.equals(made.table)
    assert (tmp_path / "pairs" / "manifest.json").stat().st_mtime_ns == written
    for other in ({"languages": tags[:1]}, {"kinds": ["scripts"]}, {"heldout": 0.1}):
        with raises("TLN-CONFIG-930"):
            tn.prepare_cldr(
                tmp_path / "pairs",
                **{"languages": tags, "kinds": ["territories"], "heldout": 0.2, **other},
            )  # type: ignore[arg-type]
    views = made.texts("train", ["ell_Grek"])
    rows = made.split("train", languages=["ell_Grek"])
    assert views == rows["text"].to_pylist() + rows["romanized"].to_pylist()


def test_what_is_saved_is_loaded(encoder: Encoder, tmp_path: Path) -> None:
    folder = tn.save(encoder, tmp_path / "saved")
    np.testing.assert_array_equal(
        tn.embed(tn.load(folder), ["Москва"]), tn.embed(encoder, ["Москва"])
    )


def test_queries_are_embedded_as_prepared_text_is(encoder_folder: Path) -> None:
    encoder = tn.load(encoder_folder)
    # as the tokenizers of BERT and ModernBERT, which leave decomposed letters as they are
    encoder.tokenizer.backend_tokenizer.normalizer = None
    texts = ["Ёжик и йод", "한국어 문장"]
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    as_it_is = embed_texts(encoder, [*texts, decomposed[0]])
    assert not np.array_equal(as_it_is[0], as_it_is[2])
    np.testing.assert_array_equal(tn.embed(encoder, decomposed), as_it_is[:2])
    marked = [f" \u202b{text}\u202c\n" for text in texts]
    np.testing.assert_array_equal(tn.embed(encoder, marked), as_it_is[:2])


def test_what_cannot_be_searched_or_drawn_is_refused() -> None:
    with raises("TLN-DATA-930"):
        tn.nearest(np.ones((2, 3)), np.ones((2, 4)))
    with raises("TLN-CONFIG-002", naming="k=0"):
        tn.nearest(np.ones((2, 3)), np.ones((2, 3)), 0)
    with raises("TLN-DATA-401"):
        tn.nearest(np.full((2, 3), np.nan), np.ones((2, 3)))
    with raises("TLN-DATA-902"):
        tn.plot_map({"a": np.ones((2, 3))})
    with raises("TLN-CONFIG-001"):
        tn.romanize(["а"], by="urman")
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = tn.serach


def test_every_public_name_is_there_and_torch_is_not_imported_before_it_is_needed() -> None:
    assert {getattr(tn, name) is not None for name in tn.__all__} == {True}
    assert set(tn.__all__) <= set(dir(tn))
    code = "import sys, transliconet; sys.exit('torch' in sys.modules or 'faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
