"""What romanization does to a script's pairs, counted by hand; the search with one's own
sentence.
"""

from collections.abc import Sequence

import numpy as np
import pytest

import transliconet as tn
from tests.settings import raises
from transliconet.corpus.prepare import prepare
from transliconet.corpus.sources.delimited import TranslicoCsv
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.report.script_stats import (
    TokenizationStats,
    plot_fertility,
    script_stats,
    shared_romanizations,
    tokenization_stats,
)
from transliconet.romanizers.base import Identity


class Characters:
    """A tokenizer with a token a character that is no space; ``?`` stands for the unknown."""

    unk_token_id = 0

    def __call__(self, texts: Sequence[str], **_: object) -> dict[str, list[list[int]]]:
        return {
            "input_ids": [[0 if c == "?" else ord(c) for c in text if c != " "] for text in texts]
        }


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairsFolder:
    folder = tmp_path_factory.mktemp("views")
    lines = {
        "rus_Cyrl": ["ель,el", "эль,el", "да и нет,da i net", "щи,shchi"],
        "bul_Cyrl": ["ель,el"],
        "fra_Latn": ["a b,a b", "été?,ete"],
    }
    for tag, rows in lines.items():
        (folder / f"{tag}.csv").write_text(
            "text,transliteration\n" + "\n".join(rows) + "\n", encoding="utf-8"
        )
    return prepare(
        TranslicoCsv([str(folder / f"{t}.csv") for t in lines]),
        Identity(),
        folder / "pairs",
        progress=False,
    )


def test_stats_of_a_script(pairs: PairsFolder) -> None:
    cyrillic, latin = script_stats(pairs, Characters())  # type: ignore[arg-type]
    assert (cyrillic.script, cyrillic.languages, cyrillic.pairs, cyrillic.identical) == (
        "Cyrl",
        2,
        5,
        0,
    )
    assert cyrillic.ambiguous == 2 / 5  # ель and эль of Russian; the Bulgarian one stands alone
    assert cyrillic.length_ratio == pytest.approx((2 / 3 + 2 / 3 + 9 / 9 + 5 / 2 + 2 / 3) / 5)
    assert cyrillic.native == TokenizationStats(fertility=(3 + 3 + 6 + 2 + 3 + 0) / 7, unknown=0)
    assert cyrillic.romanized.fertility == (2 + 2 + 6 + 5 + 2) / 7
    assert (latin.identical, latin.ambiguous) == (0.5, 0)
    assert latin.native == TokenizationStats(fertility=6 / 3, unknown=1 / 6)
    only = script_stats(pairs, Characters(), languages=["bul_Cyrl"])  # type: ignore[arg-type]
    assert [(v.pairs, v.ambiguous) for v in only] == [(1, 0)]
    with raises("TLN-CONFIG-200"):
        script_stats(pairs, Characters(), languages=["deu_Latn"])  # type: ignore[arg-type]


def test_shared_romanizations_are_those_of_one_language(pairs: PairsFolder) -> None:
    assert shared_romanizations(pairs.split("all").to_pylist()) == [
        ("rus_Cyrl", "el", ["ель", "эль"])
    ]


def test_special_tokens_are_no_part_of_fertility(encoder: Encoder) -> None:
    texts = ["Москва", "Республика Молдова"]
    tokens = sum(len(encoder.tokenizer.tokenize(text)) for text in texts)
    assert tokenization_stats(encoder.tokenizer, texts).fertility == tokens / 3


def test_fertility_is_drawn_with_the_largest_loss_of_romanization_at_the_bottom(
    pairs: PairsFolder,
) -> None:
    views = script_stats(pairs, Characters())  # type: ignore[arg-type]
    figure = plot_fertility(views)
    panel = figure.to_dict()["concat"][0]
    assert panel["layer"][1]["encoding"]["y"]["sort"] == ["Latin (1)", "Cyrillic (2)"]
    native = sorted(row["native"] for row in figure.datasets["scripts"])
    assert np.allclose(native, sorted(v.native.fertility for v in views), atol=1e-3)
    assert f"Cyrillic (2) {native[1]} and" in figure.description


def test_a_search_gives_what_a_loop_would(encoder: Encoder, cldr_pairs: PairsFolder) -> None:
    index = tn.SentenceIndex.from_pairs(encoder, cldr_pairs, split="heldout")
    rows = cldr_pairs.split("heldout").to_pylist()
    query = tn.embed(encoder, ["Москва"])[0]
    for view, column in (("native", "text"), ("romanized", "romanized")):
        vectors = tn.embed(encoder, [row[column] for row in rows])
        cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
        hits = index.search("Москва", 5, view)
        assert index.search(" \u202bМосква\n", 5, view) == hits
        np.testing.assert_allclose([h.cosine for h in hits], np.sort(cosines)[::-1][:5], atol=1e-5)
        best = rows[int(np.argmax(cosines))]
        assert hits[0][:3] == (best["lang"], best["text"], best["romanized"])


def test_a_sentence_of_the_folder_finds_itself_and_one_of_each_script(
    encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    row = cldr_pairs.split("all", languages=["heb_Hebr"]).to_pylist()[0]
    hits = tn.SentenceIndex.from_pairs(encoder, cldr_pairs).search(row["text"], one_per_script=True)
    assert hits[0].text == row["text"]
    assert hits[0].cosine == pytest.approx(1, abs=1e-5)
    assert len(hits) == 5  # as many scripts as the pairs have
    assert len({hit.lang.split("_")[1] for hit in hits}) == 5
    assert [h.cosine for h in hits] == sorted((h.cosine for h in hits), reverse=True)


def test_what_cannot_be_searched(
    encoder: Encoder, cldr_pairs: PairsFolder, pairs: PairsFolder
) -> None:
    with raises("TLN-DATA-608"):
        tn.SentenceIndex.from_pairs(encoder, pairs, split="heldout")
    index = tn.SentenceIndex.from_pairs(
        encoder, cldr_pairs, split="heldout", languages=["rus_Cyrl"]
    )
    with raises("TLN-CONFIG-001"):
        index.search("а", view="romanizd")
    with raises("TLN-CONFIG-002", naming="k=0"):
        index.search("а", 0)


def test_a_table_keeps_the_direction_of_text_and_escapes_it() -> None:
    table = tn.Table(["name", "cosine", "n", ""], [("שלום <b>", np.float32(0.5), 3, None)])
    html = table._repr_html_()
    assert html.count('<td dir="auto"') == 4
    assert "שלום &lt;b&gt;</td>" in html
    assert '; font-variant-numeric: tabular-nums">0.50</td>' in html
    assert ">3</td>" in html
    assert str(table).splitlines()[-1] == "| שלום <b> | 0.50     | 3   |    |"
    assert len(table) == 1
