"""Search in a pairs folder, from an index that is kept."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.settings import CliHere, raises
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.pairs_index import PairsIndex


@pytest.fixture
def pairs(cldr_pairs: PairsFolder, tmp_path: Path) -> PairsFolder:
    """A copy without caches."""
    shutil.copytree(cldr_pairs.path, tmp_path / "pairs", ignore=shutil.ignore_patterns("cache"))
    return PairsFolder.open(tmp_path / "pairs")


def indexes(pairs: PairsFolder) -> list[Path]:
    return sorted((pairs.path / "cache").glob("search-*.faiss"))


def test_it_finds_what_numpy_finds(encoder: Encoder, pairs: PairsFolder) -> None:
    index = PairsIndex(encoder, pairs)
    rows = pairs.table.to_pylist()
    query = rows[7]["romanized"]
    vector = embed(encoder, [query], normalize=True)[0]
    native = embed(encoder, [row["text"] for row in rows], normalize=True) @ vector
    romanized = embed(encoder, [row["romanized"] for row in rows], normalize=True) @ vector
    expected = {
        "both": np.maximum(native, romanized),
        "native": native,
        "romanized": romanized,
    }
    for view, cosines in expected.items():
        found = index.search(query, k=4, view=view)
        scores = []
        for match in found:
            of_view = {"native": match.native_cosine, "romanized": match.romanized_cosine}
            scores.append(of_view.get(view, max(of_view.values())))
        np.testing.assert_allclose(scores, np.sort(cosines)[::-1][:4], atol=1e-5)
    assert index.search(query, k=1)[0].romanized == query


def test_one_sentence_of_each_script(encoder: Encoder, pairs: PairsFolder) -> None:
    found = PairsIndex(encoder, pairs).search("Georgia", k=100, one_per_script=True)
    scripts = [match.lang.split("_")[1] for match in found]
    assert sorted(scripts) == ["Cyrl", "Geor", "Grek", "Hebr", "Thai"]
    best = [max(match.native_cosine, match.romanized_cosine) for match in found]
    assert best == sorted(best, reverse=True)


def test_the_index_is_kept_until_something_changes(
    encoder: Encoder, make_encoder: Callable[..., Encoder], pairs: PairsFolder
) -> None:
    PairsIndex(encoder, pairs).search("Georgia")
    (file,) = indexes(pairs)
    os.utime(file, (1, 1))
    found = PairsIndex(encoder, pairs).search("Georgia")
    assert indexes(pairs) == [file]
    assert file.stat().st_mtime == 1
    # a damaged index is made again
    file.write_bytes(file.read_bytes()[:100])
    assert PairsIndex(encoder, pairs).search("Georgia") == found
    assert file.stat().st_size > 100
    # other weights, another layer, other pairs
    other = make_encoder()
    other.masked_lm.get_input_embeddings().weight.data[7] += 1
    PairsIndex(other, pairs).search("Georgia")
    PairsIndex(encoder, pairs, layer=1).search("Georgia")
    manifest = pairs.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"sources"', ' "sources"'))
    PairsIndex(encoder, PairsFolder.open(pairs.path)).search("Georgia")
    assert len(indexes(pairs)) == 4


def test_values_that_cannot_be(encoder: Encoder, pairs: PairsFolder) -> None:
    index = PairsIndex(encoder, pairs)
    with raises("TLN-CONFIG-002", naming="k=0"):
        index.search("a", k=0)
    with raises("TLN-CONFIG-001", naming="view=nativ"):
        index.search("a", view="nativ")


def test_the_command(encoder_folder: Path, pairs: PairsFolder, cli_here: CliHere) -> None:
    given = (f"encoder={encoder_folder}", f"pairs={pairs.path}", "k=3")
    text = pairs.table["text"][5].as_py()
    done = cli_here("search", text, *given)
    assert done.status == 0, done.err
    first = done.out.splitlines()[2]
    assert first.startswith("1.000")
    assert text in first
    assert len(indexes(pairs)) == 1
    assert len(done.out.splitlines()) == 2 + 3 + 2
    again = cli_here("search", text, *given, "one_per_script=true")
    assert (again.status, len(indexes(pairs))) == (0, 1)
