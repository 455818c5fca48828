"""Measure an encoder on text that is unlike its training text: typed by people, of other domains,
for another task.

    python bench/other_text.py --encoder run/export --data DATA [--sentences 300] --out rows.json

DATA holds three Parquet files:

- ``human_romanized.parquet``: source, lang, native, romanized (or ``--typed-column``), eng;
- ``sib200.parquet``: id, lang, split, label, text; the same ids in every language;
- ``tatoeba.parquet``: lang, text, eng.

Prints and writes one figure a row, in percent: Acc@1 by cosine, or the accuracy of a linear topic
classifier on frozen vectors that was trained on English.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import transliconet as tn

SIB_LANGUAGES = (
    *("arb_Arab", "hin_Deva", "rus_Cyrl", "ell_Grek", "khm_Khmr"),
    *("kat_Geor", "amh_Ethi", "heb_Hebr", "tam_Taml", "kor_Hang"),
)
TATOEBA_LANGUAGES = ("hin_Deva", "ell_Grek", "kat_Geor", "heb_Hebr", "ara_Arab", "tam_Taml")
MIN_WORDS = 4
"""Shorter typed texts are left out: a greeting has no one answer."""


class Encoder:
    """Unit vectors of texts by one encoder."""

    def __init__(self, path: str) -> None:
        self.encoder = tn.load(path)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return tn.embed(self.encoder, list(texts), max_length=128, normalize=True)


def accuracy(queries: np.ndarray, candidates: np.ndarray) -> float:
    """Acc@1 in percent; row i of ``candidates`` answers row i of ``queries``."""
    nearest = (queries @ candidates.T).argmax(axis=1)
    return 100 * float((nearest == np.arange(len(queries))).mean())


def typed_rows(encode: Encoder, file: Path, typed: str, sentences: int) -> dict[str, float]:
    """Typed text → its native text, by source; and → English where there is some."""
    rows = {}
    for source, table in pd.read_parquet(file).groupby("source"):
        native = table.dropna(subset=["native"]).drop_duplicates("native")
        native = native[native["native"].str.split().str.len() >= MIN_WORDS]
        native = native.sample(min(sentences, len(native)), random_state=0)
        if len(native):
            rows[f"typed → native: {source}"] = accuracy(
                encode(native[typed]), encode(native["native"])
            )
        english = table.dropna(subset=["eng"]).drop_duplicates("eng")
        english = english.sample(min(sentences, len(english)), random_state=0)
        if len(english):
            rows[f"typed → English: {source}"] = accuracy(
                encode(english[typed]), encode(english["eng"])
            )
    rows["typed → native, mean"] = fmean(
        value for name, value in rows.items() if name.startswith("typed → native")
    )
    return rows


def topic_rows(encode: Encoder, file: Path, sentences: int) -> dict[str, float]:
    """Topics and retrieval of parallel news."""
    table = pd.read_parquet(file)
    by_language = {lang: rows.set_index("id") for lang, rows in table.groupby("lang")}
    english = by_language["eng_Latn"]
    train = english[english["split"] == "train"]
    test = english[english["split"] != "train"][:sentences]
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    head.fit(encode(train["text"]), train["label"])
    english_vectors = encode(test["text"])
    figures = defaultdict(list)
    figures["topics: English"].append(100 * head.score(english_vectors, test["label"]))

    def measure(view: str, texts: Sequence[str]) -> None:
        vectors = encode(texts)
        figures[f"topics: {view}"].append(100 * head.score(vectors, test["label"]))
        figures[f"{view} → English, news"].append(accuracy(vectors, english_vectors))

    for lang in SIB_LANGUAGES:
        native = by_language[lang].loc[test.index, "text"].tolist()
        measure("native", native)
        measure("uroman", tn.romanize(native, lang))
    measure("typed Arabic", by_language["arb_Latn"].loc[test.index, "text"].tolist())
    return {name: fmean(values) for name, values in figures.items()}


def everyday_rows(encode: Encoder, file: Path, sentences: int) -> dict[str, float]:
    """Retrieval of everyday sentences: another domain than training text."""
    table = pd.read_parquet(file)
    figures = defaultdict(list)
    for lang in TATOEBA_LANGUAGES:
        rows = table[table["lang"] == lang].drop_duplicates("eng")[:sentences]
        native, english = rows["text"].tolist(), encode(rows["eng"])
        for view, texts in (("native", native), ("uroman", tn.romanize(native, lang))):
            figures[f"{view} → English, everyday"].append(accuracy(encode(texts), english))
    return {name: fmean(values) for name, values in figures.items()}


def measure_other_text(path: str, data: Path, typed: str, sentences: int) -> dict[str, float]:
    """All rows of one encoder, in percent."""
    encode = Encoder(path)
    return {
        **typed_rows(encode, data / "human_romanized.parquet", typed, sentences),
        **topic_rows(encode, data / "sib200.parquet", sentences),
        **everyday_rows(encode, data / "tatoeba.parquet", sentences),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--typed-column", default="romanized")
    parser.add_argument("--sentences", type=int, default=300)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = measure_other_text(
        options.encoder, options.data, options.typed_column, options.sentences
    )
    options.out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, value in rows.items():
        print(f"{value:6.1f}  {name}")


if __name__ == "__main__":
    main()
