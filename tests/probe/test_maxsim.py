"""Late interaction against a slow reference, and the vectors of tokens."""

from collections.abc import Sequence

import numpy as np
import pytest

from transliconet.model.embed import embed
from transliconet.model.embed_tokens import embed_tokens
from transliconet.model.encoder import Encoder
from transliconet.model.token_vectors import TokenVectors
from transliconet.model.vectors import normalize
from transliconet.pairs import PairsFolder
from transliconet.probe import maxsim as module
from transliconet.probe.alignment import ranks_of
from transliconet.probe.maxsim import maxsim, maxsim_ranks
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.settings import Candidates, Embedding, Search
from transliconet.tokens.padding import Vocabulary
from transliconet.tokens.tokenize import tokenize


def drawn(seed: int, lengths: Sequence[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, 5)).astype(np.float32) for length in lengths]


def slow(queries: Sequence[np.ndarray], documents: Sequence[np.ndarray]) -> np.ndarray:
    scores = np.zeros((len(queries), len(documents)))
    for i, query in enumerate(queries):
        for j, document in enumerate(documents):
            for token in query.astype(float):
                cosines = [
                    token @ other / (np.linalg.norm(token) * np.linalg.norm(other))
                    for other in document.astype(float)
                ]
                scores[i, j] += max(cosines, default=0.0) / len(query)
    return scores


def test_worked_out_by_hand() -> None:
    x, y, z = np.eye(3, dtype=np.float32)
    queries = TokenVectors.from_rows([np.stack([x, y]), np.stack([2 * z])])
    documents = TokenVectors.from_rows([np.stack([x]), np.stack([y, z, x]), np.stack([-z])])
    assert maxsim(queries, documents).tolist() == [[0.5, 1, 0], [0, 1, -1]]


@pytest.mark.parametrize("most", [1 << 23, 64, 1])
def test_as_a_slow_loop_in_blocks_of_any_size(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COSINES", most)
    queries, documents = drawn(0, [3, 1, 7, 0, 2, 5]), drawn(1, [4, 0, 1, 9, 2, 6])
    ours = maxsim(TokenVectors.from_rows(queries), TokenVectors.from_rows(documents))
    np.testing.assert_allclose(ours, slow(queries, documents), atol=1e-6)
    ranks = maxsim_ranks(TokenVectors.from_rows(queries), TokenVectors.from_rows(documents), 5)
    np.testing.assert_array_equal(ranks, np.minimum(ranks_of(ours), 6))


def test_ties_count_against_the_model() -> None:
    same = TokenVectors.from_rows([np.ones((2, 3), np.float32)] * 4)
    assert maxsim_ranks(same, same, 10).tolist() == [4] * 4


def test_some_texts_in_another_order() -> None:
    rows = drawn(2, [3, 1, 4])
    vectors = TokenVectors.from_rows(rows)
    chosen = vectors[[2, 0]]
    assert chosen.lengths.tolist() == [4, 3]
    np.testing.assert_array_equal(chosen.values, normalize(np.concatenate([rows[2], rows[0]])))
    np.testing.assert_allclose(vectors.means()[1], normalize(rows[1])[0], atol=1e-6)


def test_tokens_are_content_tokens_of_the_layer(encoder: Encoder) -> None:
    texts = ["Ελλάδα", "Νέα Ζηλανδία και Κύπρος", "", "Ελλάδα"]
    rows, _ = tokenize(encoder.tokenizer, texts, 64)
    of_layers = embed_tokens(encoder, rows, [1, 2], batch_tokens=12)
    special = Vocabulary.from_tokenizer(encoder.tokenizer).special_ids.numpy()
    for layer, found in zip((1, 2), of_layers, strict=True):
        content = [int((~np.isin(rows[i], special)).sum()) for i in range(4)]
        assert content[2] == 0
        assert found.lengths.tolist() == [*content[:2], 1, content[3]]
        assert not found[[2]].values.any()
        alone = embed_tokens(encoder, tokenize(encoder.tokenizer, texts[:1], 64)[0], [layer])[0]
        np.testing.assert_allclose(found[[3]].values, alone.values, atol=1e-5)
    single = [text for text, number in zip(texts, content, strict=True) if number == 1]
    for text in single:  # one token: its vector is that of mean pooling
        np.testing.assert_allclose(
            embed_tokens(encoder, tokenize(encoder.tokenizer, [text], 64)[0], [2])[0].values,
            normalize(embed(encoder, [text], 2, "mean")),
            atol=1e-5,
        )


def test_the_probe_finds_words_in_another_order(encoder: Encoder, cldr_pairs: PairsFolder) -> None:
    """At layer 0 a token has its word and its place; MaxSim finds the same tokens."""
    settings = Search(similarity="maxsim")
    probe = RetrievalProbe(
        candidates=Candidates(min=10), embedding=Embedding(layer=[0, 2]), search=settings
    )
    records = probe.run(encoder, cldr_pairs)
    assert {record.layer for record in records} == {0, 2}
    assert {(record.pooling, record.similarity) for record in records} == {("tokens", "maxsim")}
    assert all("mexa" in record.metrics for record in records)
