"""The probe against encoders whose answers are known."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from tests.settings import raises
from transliconet.errors import ConfigError
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import pool
from transliconet.model.vectors import normalize
from transliconet.pairs import SCHEMA, PairsFolder, write_part
from transliconet.probe.alignment import csls_scores, margin_scores, mexa, ranks_of
from transliconet.probe.record import (
    RetrievalRecord,
    accuracy,
    bootstrap_ci95,
    mean_reciprocal_rank,
    reciprocal_ranks,
)
from transliconet.probe.results import mean_accuracies
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.search import gold_ranks, search
from transliconet.probe.settings import Candidates, Embedding, Search
from transliconet.report.tables import mexa_over_layers, probe_tables
from transliconet.tokens.noise import Augment


def slow_ranks(queries: np.ndarray, candidates: np.ndarray) -> list[int]:
    """1 + how many others are at least as near, by cosine in float64."""
    q, c = (
        v / np.linalg.norm(v, axis=1, keepdims=True)
        for v in (queries.astype(float), candidates.astype(float))
    )
    scores = q @ c.T
    return [
        int(sum(s >= row[i] - 1e-6 for j, s in enumerate(row) if j != i)) + 1
        for i, row in enumerate(scores)
    ]


@pytest.mark.parametrize("number", [2, 30, 200])
def test_ranks_equal_a_slow_count(number: int) -> None:
    rng = np.random.default_rng(number)
    candidates = rng.normal(size=(number, 8)).astype(np.float32)
    queries = candidates + rng.normal(size=candidates.shape).astype(np.float32)
    assert gold_ranks(queries, candidates, depth=number).tolist() == slow_ranks(queries, candidates)


def test_ranks_beyond_the_depth_are_one_more_than_it() -> None:
    rng = np.random.default_rng(0)
    queries, candidates = rng.normal(size=(2, 60, 4)).astype(np.float32)
    exact = np.array(slow_ranks(queries, candidates))
    assert (exact > 10).any()
    assert gold_ranks(queries, candidates, depth=10).tolist() == np.minimum(exact, 11).tolist()


def test_a_perfect_and_a_reversed_encoder() -> None:
    vectors = np.eye(20, dtype=np.float32)
    assert gold_ranks(vectors, vectors, 20).tolist() == [1] * 20
    assert (gold_ranks(-vectors, vectors, 20) == 20).all()


def test_ties_count_against_the_model() -> None:
    """All in one place: no query can tell its answer from the others."""
    same = np.ones((30, 4), dtype=np.float32)
    assert (gold_ranks(same, same, 100) == 30).all()
    vectors = np.eye(4, dtype=np.float32)
    candidates = vectors.copy()
    candidates[1] = candidates[0]  # query 0 finds its answer and its twin
    assert gold_ranks(vectors, candidates, 4).tolist()[0] == 2


def test_the_length_of_vectors_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    queries, candidates = rng.normal(size=(2, 50, 8)).astype(np.float32)
    scale = rng.uniform(0.1, 10, size=(50, 1)).astype(np.float32)
    assert (
        gold_ranks(queries, candidates * scale, 50).tolist()
        == gold_ranks(queries * scale, candidates, 50).tolist()
    )


def test_zero_and_broken_vectors() -> None:
    assert normalize(np.zeros((1, 3), dtype=np.float32)).tolist() == [[0, 0, 0]]
    with raises("TLN-DATA-401"):
        gold_ranks(np.full((2, 2), np.nan, dtype=np.float32), np.eye(2, dtype=np.float32), 10)


def test_metrics_worked_out_by_hand() -> None:
    ranks = np.array([1, 2, 11, 4])
    assert accuracy(ranks, 1) == 0.25
    assert accuracy(ranks, 5) == 0.75
    assert mean_reciprocal_rank(ranks, depth=10) == pytest.approx((1 + 1 / 2 + 0 + 1 / 4) / 4)


def test_the_bootstrap_interval_is_that_of_resampling() -> None:
    hits = np.array([True] * 60 + [False] * 40)
    rng = np.random.default_rng(1)
    slow = np.percentile([rng.choice(hits, 100).mean() for _ in range(4000)], [2.5, 97.5])
    np.testing.assert_allclose(bootstrap_ci95(hits), slow, atol=0.02)
    reciprocal = reciprocal_ranks(np.arange(1, 101) % 13 + 1, depth=10)
    slow = np.percentile([rng.choice(reciprocal, 100).mean() for _ in range(4000)], [2.5, 97.5])
    np.testing.assert_allclose(bootstrap_ci95(reciprocal), slow, atol=0.01)
    assert bootstrap_ci95(np.ones(50, dtype=bool)) == (1.0, 1.0)


def test_chance_is_what_random_vectors_get(cldr_pairs: PairsFolder) -> None:
    rng = np.random.default_rng(0)
    probe = RetrievalProbe(split="all")
    records = probe.evaluate(lambda texts: rng.normal(size=(len(texts), 64)), cldr_pairs, 0)
    for metric, measured in (
        ("acc@10", [r.acc[10] for r in records]),
        ("mrr", [r.mrr for r in records]),
    ):
        assert np.mean(measured) == pytest.approx(
            np.mean([r.chance[metric] for r in records]), rel=0.25
        )


def by_meaning(
    pairs: PairsFolder, spoil: Callable[[dict], bool] = lambda row: False
) -> Callable[[Sequence[str]], np.ndarray]:
    """A known-answer encoder: a text and its romanization get the unit vector of their id, spoilt
    rows get noise.
    """
    ids = {id_: i for i, id_ in enumerate(sorted(set(pairs.table["id"].to_pylist())))}
    rng = np.random.default_rng(0)
    vectors = {i: rng.normal(size=200) for i in ids.values()}
    of: dict[str, np.ndarray] = {}
    for row in pairs.table.to_pylist():
        of[row["text"]] = rng.normal(size=200) if spoil(row) else vectors[ids[row["id"]]]
        of[row["romanized"]] = vectors[ids[row["id"]]]
    return lambda texts: np.stack([of[t] for t in texts]).astype(np.float32)


@pytest.fixture(scope="module")
def parallel(tmp_path_factory: pytest.TempPathFactory) -> PairsFolder:
    """Forty meanings in three languages; no two texts are equal, across languages and views."""
    rows = [
        {
            "id": f"m{i}",
            "lang": lang,
            "text": text,
            "romanized": roman,
            "identical": roman == text,
            "heldout": True,
        }
        for lang in ("eng_Latn", "kat_Geor", "rus_Cyrl")
        for i in range(40)
        for text in [f"{lang} native {i}"]
        for roman in [text if lang == "eng_Latn" else f"{lang} romanized {i}"]
    ]
    out = tmp_path_factory.mktemp("parallel") / "pairs"
    (out / "data").mkdir(parents=True)
    write_part(out / "data" / "part-00000.arrow", pa.Table.from_pylist(rows, SCHEMA))
    languages = {lang: {} for lang in ("eng_Latn", "kat_Geor", "rus_Cyrl")}
    (out / "manifest.json").write_text(
        json.dumps({"rows": len(rows), "languages": languages, "sources": []})
    )
    return PairsFolder.open(out)


def folder_of(rows: list[tuple[str, str, int]], out: Path) -> PairsFolder:
    """Rows of (language, word of the id, number)."""
    table = [
        {
            "id": f"{word}{i}",
            "lang": lang,
            "text": f"{lang} {word} {i}",
            "romanized": f"{lang} {i} {word}",
            "identical": False,
            "heldout": True,
        }
        for lang, word, i in rows
    ]
    (out / "data").mkdir(parents=True)
    write_part(out / "data" / "part-00000.arrow", pa.Table.from_pylist(table, SCHEMA))
    languages = {lang: {} for lang, _, _ in rows}
    (out / "manifest.json").write_text(
        json.dumps({"rows": len(table), "languages": languages, "sources": []})
    )
    return PairsFolder.open(out)


def test_parallel_text_of_one_language_or_without_common_ids(tmp_path: Path) -> None:
    alone = folder_of([("rus_Cyrl", "m", i) for i in range(30)], tmp_path / "alone")
    apart = folder_of(
        [(lang, lang, i) for lang in ("kat_Geor", "rus_Cyrl") for i in range(30)],
        tmp_path / "apart",
    )
    probe = RetrievalProbe(pivots=["rus_Cyrl"])
    for pairs in (alone, apart):
        with raises("TLN-DATA-607") as raised:
            probe.evaluate(by_meaning(pairs), pairs, 0)
        assert (raised.value.given, raised.value.code) == ("pivots=['rus_Cyrl']", "TLN-DATA-607")


def test_only_common_ids_are_compared_and_fewer_than_k_are_told_by_chance(tmp_path: Path) -> None:
    rows = [("kat_Geor", "m", i) for i in range(12)] + [("rus_Cyrl", "m", i) for i in range(5, 30)]
    pairs = folder_of(rows, tmp_path / "pairs")
    records = RetrievalProbe(pivots=["rus_Cyrl"], candidates=Candidates(min=5)).evaluate(
        by_meaning(pairs), pairs, 0
    )
    across = next(r for r in records if r.task == "native→rus_Cyrl")
    assert (across.n, across.acc[10], across.chance["acc@10"]) == (
        7,
        1.0,
        1.0,
    )  # ten of seven: right by chance
    assert across.chance["acc@1"] == pytest.approx(1 / 7)
    with raises("TLN-DATA-401"):
        RetrievalProbe(candidates=Candidates(min=5)).evaluate(
            lambda t: np.full((len(t), 4), np.nan), pairs, 0
        )


def test_a_known_answer_encoder_gets_every_task_right(parallel: PairsFolder) -> None:
    records = RetrievalProbe(pivots=["eng_Latn"]).evaluate(by_meaning(parallel), parallel, 3)
    assert {(r.language, r.task) for r in records} == {
        (lang, task)
        for lang in ("kat_Geor", "rus_Cyrl")
        for task in (
            "native→romanized",
            "romanized→native",
            "native→eng_Latn",
            "eng_Latn→native",
            "romanized→eng_Latn",
            "eng_Latn→romanized",
        )
    }
    assert all(
        r.acc == {1: 1.0, 5: 1.0, 10: 1.0} and r.mrr == 1.0 and r.n == 40 and r.layer == 3
        for r in records
    )


def test_a_pivot_that_is_not_latin_has_two_views(parallel: PairsFolder) -> None:
    probe = RetrievalProbe(
        pivots=["rus_Cyrl", "eng_Latn"], candidates=Candidates(pivot_views=["native", "romanized"])
    )
    spoilt = by_meaning(
        parallel, lambda row: row["lang"] == "rus_Cyrl"
    )  # its native texts; romanized ones are right
    acc = {
        r.task: r.acc[1] for r in probe.evaluate(spoilt, parallel, 0) if r.language == "kat_Geor"
    }
    assert {task for task in acc if "rus_Cyrl" in task} == {
        "native→rus_Cyrl",
        "rus_Cyrl→native",
        "romanized→rus_Cyrl",
        "rus_Cyrl→romanized",
        "native→rus_Cyrl, romanized",
        "rus_Cyrl, romanized→native",
        "romanized→rus_Cyrl, romanized",
        "rus_Cyrl, romanized→romanized",
    }
    assert not [
        task for task in acc if "eng_Latn, romanized" in task
    ]  # it would be the same text again
    assert all(
        (acc[task] == 1) == ("romanized" in task.replace("→romanized", ""))
        for task in acc
        if "rus_" in task and "romanized→" not in task
    )
    with raises("TLN-CONFIG-001"):
        Candidates(pivot_views=["romanizd"])


def test_text_as_people_type_it_is_a_view_of_its_own(parallel: PairsFolder) -> None:
    """Russian is found whatever its spelling, Georgian only as uroman spells it."""
    known, asked = by_meaning(parallel), {}
    lost = np.random.default_rng(1)

    def vectors(texts: Sequence[str]) -> np.ndarray:
        rows = []
        for text in texts:
            try:
                rows.append(known([text])[0])
            except KeyError:
                number = text.split()[-1]
                asked[text] = None
                rows.append(
                    known([f"rus_Cyrl native {number}"])[0]
                    if "s" in text.split()[0].lower()
                    else lost.normal(size=200)
                )
        return np.stack(rows)

    probe = RetrievalProbe(pivots=["eng_Latn"], candidates=Candidates(noisy=Augment(typed=1.0)))
    acc = {(r.language, r.task): r.acc[1] for r in probe.evaluate(vectors, parallel, 0)}
    plain = RetrievalProbe(pivots=["eng_Latn"]).evaluate(known, parallel, 0)
    assert {k: a for k, a in acc.items() if "noisy" not in k[1]} == {
        (r.language, r.task): r.acc[1] for r in plain
    }
    tasks = {"native→noisy", "noisy→native", "noisy→eng_Latn", "eng_Latn→noisy"}
    assert {task for _, task in acc if "noisy" in task} == tasks
    assert all(acc["rus_Cyrl", task] == 1.0 for task in tasks)
    assert all(acc["kat_Geor", task] < 0.8 for task in tasks)
    first = dict(asked)
    probe.evaluate(vectors, parallel, 0)
    assert asked == first  # the same text in every run, so that encoders can be compared
    RetrievalProbe(seed=1, candidates=Candidates(noisy=Augment(typed=1.0))).evaluate(
        vectors, parallel, 0
    )
    assert asked != first


@pytest.mark.parametrize("preset", ["sr_b", "sr_t"])
def test_the_papers_presets_are_a_slow_loop(
    preset: str, make_encoder: Callable[..., Encoder], parallel: PairsFolder, tmp_path: Path
) -> None:
    """English looks for Georgian by cosine of hidden_states[8], mean over every token but padding,
    ten nearest. SR-T reads a table of translations.
    """
    overrides = [f"probe={preset}", "pairs=x"]
    if preset == "sr_t":
        texts: dict[str, dict[str, str]] = {}
        for row in parallel.table.to_pylist():
            texts.setdefault(row["id"], {})[row["lang"]] = row["text"]
        rows = [
            {"lang": "kat_Geor", "text": by_lang["kat_Geor"], "eng": by_lang["eng_Latn"]}
            for by_lang in texts.values()
        ]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "tatoeba.parquet")
        overrides.append(f"probe.path={tmp_path / 'tatoeba.parquet'}")
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        probe = instantiate(compose("probe", overrides=overrides).probe, _convert_="all")
    encoder = make_encoder(layers=9)
    by_id: dict[str, dict[str, np.ndarray]] = {"eng_Latn": {}, "kat_Geor": {}}
    for row in parallel.table.to_pylist():
        if row["lang"] in by_id:
            inputs = encoder.tokenizer(row["text"], return_tensors="pt")
            with torch.no_grad():
                states = encoder.masked_lm.roberta(
                    **inputs, output_hidden_states=True
                ).hidden_states[8][0]
            by_id[row["lang"]][row["id"]] = states.double().numpy().mean(0)
    ranks = []
    for id_, query in by_id["eng_Latn"].items():
        cosines = {
            other: query @ vector / np.linalg.norm(query) / np.linalg.norm(vector)
            for other, vector in by_id["kat_Geor"].items()
        }
        ranks.append(
            1 + sum(c >= cosines[id_] - 1e-6 for other, c in cosines.items() if other != id_)
        )
    record = next(
        r
        for r in probe.run(encoder, parallel)
        if (r.language, r.task) == ("kat_Geor", "eng_Latn→native")
    )
    assert record.acc == {k: np.mean([rank <= k for rank in ranks]) for k in (1, 5, 10)}
    assert record.mrr == pytest.approx(np.mean([1 / rank if rank <= 10 else 0 for rank in ranks]))
    assert 0 < record.acc[10] < 1
    assert (record.layer, record.n, record.depth) == (8, 40, 10)


def test_what_is_spoilt_is_what_fails(parallel: PairsFolder) -> None:
    """Half of the native Georgian texts are noise; the romanized ones and Russian are not."""
    spoilt = {f"m{i}" for i in range(20)}
    vectors = by_meaning(parallel, lambda row: row["lang"] == "kat_Geor" and row["id"] in spoilt)
    records = RetrievalProbe(pivots=["eng_Latn"]).evaluate(vectors, parallel, 0)
    acc = {(r.language, r.task): r.acc[1] for r in records}
    assert acc["kat_Geor", "native→eng_Latn"] == pytest.approx(0.5, abs=0.05)
    assert acc["kat_Geor", "native→romanized"] == pytest.approx(0.5, abs=0.05)
    assert acc["kat_Geor", "romanized→eng_Latn"] == 1.0
    assert {a for (lang, _), a in acc.items() if lang == "rus_Cyrl"} == {1.0}


def test_identical_pairs_are_left_out_of_the_same_language_task(parallel: PairsFolder) -> None:
    assert all(
        r.language != "eng_Latn"
        for r in RetrievalProbe().evaluate(by_meaning(parallel), parallel, 0)
    )
    kept = RetrievalProbe(candidates=Candidates(unchanged="keep")).evaluate(
        by_meaning(parallel), parallel, 0
    )
    assert "eng_Latn" in {r.language for r in kept}


def test_candidates_are_capped_the_same_way_in_every_language(parallel: PairsFolder) -> None:
    records = RetrievalProbe(candidates=Candidates(max=25)).evaluate(
        by_meaning(parallel), parallel, 0
    )
    assert {r.n for r in records} == {25}


def test_too_few_candidates_say_what_there_is(parallel: PairsFolder) -> None:
    probe = RetrievalProbe(candidates=Candidates(min=41))
    with raises("TLN-DATA-606") as raised:
        probe.evaluate(by_meaning(parallel), parallel, 0)
    assert raised.value.code == "TLN-DATA-606"


def test_unknown_languages_and_pivots(parallel: PairsFolder) -> None:
    for options, code in (
        ({"languages": ["hin_Deva"]}, "TLN-CONFIG-200"),
        ({"pivots": ["hin_Deva"]}, "TLN-CONFIG-600"),
    ):
        with raises(code, naming="hin_Deva"):
            # type: ignore[arg-type]
            RetrievalProbe(**options).evaluate(by_meaning(parallel), parallel, 0)


@pytest.mark.parametrize(
    ("make", "option", "code"),
    [
        (lambda: RetrievalProbe(split="held-out"), "split=held-out", "TLN-CONFIG-001"),
        (lambda: Candidates(min=0), "min=0", "TLN-CONFIG-002"),
        (lambda: Candidates(max=5), "max=5", "TLN-CONFIG-002"),
        (lambda: Candidates(unchanged="no"), "unchanged=no", "TLN-CONFIG-001"),
        (lambda: Search(depth=5), "depth=5", "TLN-CONFIG-002"),
        (lambda: Search(similarity="l2"), "similarity=l2", "TLN-CONFIG-001"),
        (lambda: RetrievalProbe(metrics=["mexa"]), "metrics=mexa", "TLN-CONFIG-606"),
    ],
)
def test_impossible_settings(make: Callable, option: str, code: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make()
    assert (raised.value.given, raised.value.code) == (option, code)


def test_batch_size_and_order_change_nothing(encoder: Encoder, cldr_pairs: PairsFolder) -> None:
    texts = cldr_pairs.split("heldout")["text"].to_pylist()[:120]
    small, large = (embed(encoder, texts, batch_tokens=b) for b in (40, 4096))
    np.testing.assert_allclose(small, large, atol=1e-5)
    np.testing.assert_allclose(embed(encoder, texts[::-1])[::-1], large, atol=1e-5)
    ranks = [
        [
            r.as_dict()
            for r in RetrievalProbe(metrics=(), embedding=Embedding(batch_tokens=b)).run(
                encoder, cldr_pairs
            )
        ]
        for b in (40, 4096)
    ]
    assert ranks[0] == ranks[1]


def test_embedding_leaves_the_encoder_as_it_was(make_encoder: Callable[..., Encoder]) -> None:
    encoder = make_encoder()
    encoder.train()
    first, again = embed(encoder, ["Москва", "ไทย"]), embed(encoder, ["Москва", "ไทย"])
    assert encoder.training
    np.testing.assert_array_equal(first, again)  # no dropout
    assert first.shape == (2, 32)


def test_layers_and_poolings_differ(encoder: Encoder) -> None:
    texts = ["Москва и Киев", "ไทย"]
    vectors = [
        embed(encoder, texts, layer, pooling)
        for layer in (0, 1, 2)
        for pooling in ("mean", "mean_with_special")
    ]
    assert all(not np.allclose(a, b, atol=1e-3) for i, a in enumerate(vectors) for b in vectors[:i])


def test_texts_may_come_from_a_generator_and_equal_ones_are_computed_once(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = make_encoder()
    rows: list[int] = []
    encoder.masked_lm.roberta.embeddings.register_forward_hook(
        lambda m, a, out: rows.append(out.shape[1])
    )
    texts = list(dict.fromkeys(cldr_pairs.split("heldout")["text"].to_pylist()))[:50]
    whole = embed(encoder, texts)
    tokens, asked = sum(rows), []
    monkeypatch.setattr("transliconet.model.embed.TEXTS_AT_ONCE", 20)

    def one_by_one():  # type: ignore[no-untyped-def]
        for number, text in enumerate(texts * 2):
            asked.append((number, sum(rows)))
            yield text

    np.testing.assert_allclose(
        embed(encoder, one_by_one()), np.concatenate([whole, whole]), atol=1e-5
    )
    assert [done for number, done in asked if number in (0, 19)] == [tokens, tokens]
    assert asked[20][1] > tokens  # a chunk is embedded before the next is read
    assert embed(encoder, []).shape == (0, 32)
    rows.clear()
    monkeypatch.undo()
    doubled = embed(encoder, [*texts, *texts[::-1]])
    np.testing.assert_array_equal(doubled[:50], doubled[:49:-1])
    assert sum(rows) == tokens


def test_an_encoder_that_gives_nan(make_encoder: Callable[..., Encoder]) -> None:
    encoder = make_encoder()
    encoder.masked_lm.get_input_embeddings().weight.data.fill_(float("nan"))
    with raises("TLN-DATA-400"):
        embed(encoder, ["Москва"])


def test_records_survive_json(encoder: Encoder, cldr_pairs: PairsFolder, tmp_path: Path) -> None:
    from transliconet.probe.results import pairs_data, read_results, write_results

    records = RetrievalProbe().run(encoder, cldr_pairs)
    write_results(tmp_path / "results.json", {"before": records}, pairs_data(cldr_pairs), {"a": 1})
    assert read_results(tmp_path / "results.json") == {"before": records}
    with raises("TLN-DATA-605"):
        read_results(cldr_pairs.path / "manifest.json")
    assert all(isinstance(r, RetrievalRecord) for r in records)


def test_several_layers_come_from_one_pass(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    encoder = make_encoder()
    passes: list[int] = []
    encoder.masked_lm.roberta.embeddings.register_forward_hook(lambda *_: passes.append(1))
    every = RetrievalProbe(languages=["kat_Geor"], embedding=Embedding(layer="all")).run(
        encoder, cldr_pairs
    )
    together = len(passes)
    alone = [
        r
        for n in (0, 1, 2)
        for r in RetrievalProbe(languages=["kat_Geor"], embedding=Embedding(layer=n)).run(
            encoder, cldr_pairs
        )
    ]
    assert every == alone
    assert len(passes) - together == 3 * together
    assert [
        r.layer
        for r in RetrievalProbe(embedding=Embedding(layer=[2, "last", 0])).run(encoder, cldr_pairs)
    ][:1] == [2]
    table = probe_tables(every)
    assert all(f"native→romanized (layer {n}, mean, cosine; percent)" in table for n in (0, 1, 2))
    scores = {r.layer: r.metrics["mexa"] for r in every if r.task == "native→romanized"}
    mean, most, best = mexa_over_layers(every)["native→romanized"]["kat_Geor"]
    assert (mean, most) == (pytest.approx(np.mean(list(scores.values()))), max(scores.values()))
    assert scores[best] == most
    assert f"{100 * mean:.1f} |" in table[table.index("native→romanized, over layers") :]
    assert mexa_over_layers(alone[:2]) == {}
    means = mean_accuracies(every)
    assert set(means) == {
        f"{t}@{n}" for t in ("native→romanized", "romanized→native") for n in (0, 1, 2)
    }


@pytest.mark.parametrize(
    ("similarity", "scores"), [("margin", margin_scores), ("csls", csls_scores)]
)
def test_other_similarities_rank_by_their_scores(similarity: str, scores: Callable) -> None:
    rng = np.random.default_rng(0)
    queries, candidates = rng.normal(size=(2, 60, 8)).astype(np.float32)
    found = search(queries, candidates, 20, similarity)
    assert found.ranks.tolist() == np.minimum(ranks_of(scores(queries, candidates)), 21).tolist()
    assert found.ranks.tolist() != search(queries, candidates, 20).ranks.tolist()
    with pytest.raises(ConfigError) as raised:
        search(queries, candidates, 20, similarity, "hnsw")
    assert (raised.value.given, raised.value.code) == ("index=hnsw", "TLN-CONFIG-601")


@pytest.mark.parametrize("index", ["hnsw", "ivf"])
def test_approximate_indexes_tell_their_recall(index: str) -> None:
    rng = np.random.default_rng(0)
    candidates = rng.normal(size=(4000, 16)).astype(np.float32)
    queries = candidates + 0.3 * rng.normal(size=(4000, 16)).astype(np.float32)
    exact, found = search(queries, candidates, 50), search(queries, candidates, 50, index=index)
    assert exact.recall is None
    assert found.recall is not None
    assert 0.5 < found.recall <= 1
    assert abs(accuracy(found.ranks, 1) - accuracy(exact.ranks, 1)) < 0.1


def test_measures_stand_in_the_record(parallel: PairsFolder) -> None:
    vectors = by_meaning(parallel)
    records = {
        (r.language, r.task): r
        for r in RetrievalProbe(pivots=["eng_Latn"]).evaluate(vectors, parallel, 0)
    }
    within = records["kat_Geor", "native→romanized"].metrics
    assert within["mexa"] == 1.0
    assert within["alignment"] == pytest.approx(0, abs=1e-6)
    assert 0.3 < within["script_probe"] < 0.7  # both views have one vector: nothing to tell them by
    assert within["uniformity_native"] == pytest.approx(within["uniformity_romanized"])
    across = records["kat_Geor", "romanized→eng_Latn"].metrics
    assert across["gap"] == pytest.approx(1 - across["random"], abs=1e-5)
    assert "script_probe" not in across
    assert RetrievalProbe(metrics=()).evaluate(vectors, parallel, 0)[0].metrics == {}


def test_tasks_with_and_without_identical_pairs(parallel: PairsFolder) -> None:
    both = RetrievalProbe(candidates=Candidates(unchanged="both")).evaluate(
        by_meaning(parallel), parallel, 0
    )
    assert {(r.language, r.task) for r in both if r.task.endswith("identical pairs")} == {
        ("eng_Latn", "native→romanized, with identical pairs"),
        ("eng_Latn", "romanized→native, with identical pairs"),
    }
    assert ("eng_Latn", "native→romanized") not in {
        (r.language, r.task) for r in both
    }  # none are left without them


def test_the_share_of_identical_pairs_and_an_index_s_recall_stand_in_the_tables(
    parallel: PairsFolder,
) -> None:
    probe = RetrievalProbe(
        candidates=Candidates(unchanged="keep", min=5), search=Search(index="hnsw")
    )
    records = probe.evaluate(by_meaning(parallel), parallel, 0)
    rows = [row for row in parallel.split("heldout").to_pylist() if row["lang"] == "eng_Latn"]
    share = sum(row["identical"] for row in rows) / len(rows)
    assert 0 < share <= 1
    assert {r.metrics["identical"] for r in records if r.language == "eng_Latn"} == {share}
    table = probe_tables([r for r in records if r.language == "eng_Latn"])
    heads, row = (
        [cell.strip() for cell in table.splitlines()[n].strip("|").split("|")] for n in (2, 4)
    )
    assert heads[-2:] == ["identical pairs", "index recall"]
    assert row[-2:] == [f"{100 * share:.1f}", "100.0"]


def test_all_embeddings_alike_score_nothing(parallel: PairsFolder) -> None:
    records = RetrievalProbe(pivots=["eng_Latn"]).evaluate(
        lambda t: np.ones((len(t), 4), np.float32), parallel, 0
    )
    assert all(r.acc[10] == 0 and r.mrr < 0.05 and r.metrics["mexa"] == 0 for r in records)
    assert mexa(np.ones((3, 2)), np.ones((3, 2))) == 0


def test_weighted_pooling_gives_later_tokens_more_weight() -> None:
    hidden = torch.tensor([[[1.0], [2.0], [4.0], [9.0]]])
    attention = torch.tensor([[True, True, True, False]])
    assert pool(hidden, attention, attention, "weighted").item() == pytest.approx(
        (1 * 1 + 2 * 2 + 3 * 4) / 6
    )
