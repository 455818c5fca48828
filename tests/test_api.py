"""The interface for notebooks: the README's lines run, names are stable, and importing stays quick."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import transliconet as tn
from transliconet.errors import ConfigError, DataError


def test_load_embed_search_and_map(encoder_folder: Path, tmp_path: Path) -> None:
    encoder = tn.load(str(encoder_folder))
    texts = ["Москва", "Київ", "Ελλάδα", "Κύπρος", "საქართველო"]
    romanized = tn.romanize(texts[:2], "rus_Cyrl") + tn.romanize(texts[2:4], "ell_Grek") + tn.romanize(texts[4:])
    assert romanized[0] == "Moskva"
    vectors, others = tn.embed(encoder, texts), tn.embed(encoder, romanized)
    found = tn.nearest(vectors, others, 3)
    assert found.positions.shape == found.cosines.shape == (5, 3)
    assert (np.diff(found.cosines) <= 0).all()
    slow = others @ vectors[0] / np.linalg.norm(others, axis=1) / np.linalg.norm(vectors[0])
    assert found.positions[0].tolist() == np.argsort(-slow)[:3].tolist()
    assert tn.nearest(vectors, others[:2], 9).positions.shape == (5, 2)  # never more than there are
    figure = tn.plot_map({"native": vectors, "romanised": others}, tmp_path / "map.png", "before")
    assert (tmp_path / "map.png").stat().st_size > 5000
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["native", "romanised"]


def test_what_cannot_be_searched_or_drawn_is_refused() -> None:
    with pytest.raises(DataError, match="not two sets of vectors of one length"):
        tn.nearest(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ConfigError, match="k=0"):
        tn.nearest(np.ones((2, 3)), np.ones((2, 3)), 0)
    with pytest.raises(DataError, match="NaN"):
        tn.nearest(np.full((2, 3), np.nan), np.ones((2, 3)))
    with pytest.raises(DataError, match="too few"):
        tn.plot_map({"a": np.ones((2, 3))})
    with pytest.raises(ConfigError, match="Did you mean 'uroman'"):
        tn.romanize(["а"], by="urman")
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = tn.serach


def test_every_public_name_is_there_and_torch_is_not_imported_before_it_is_needed() -> None:
    assert {getattr(tn, name) is not None for name in tn.__all__} == {True}
    assert set(tn.__all__) <= set(dir(tn))
    code = "import sys, transliconet; sys.exit('torch' in sys.modules or 'faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
