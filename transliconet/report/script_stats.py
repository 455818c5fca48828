"""Statistics of pairs for each script, without a model: how many romanization leaves unchanged or
makes ambiguous, and how both views are tokenized.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from transliconet.pairs import PairsFolder
from transliconet.report.colours import FAINT
from transliconet.report.figure import Figure, Layout
from transliconet.report.names import script_name

TEXTS_PER_CALL = 4096


@dataclass(frozen=True)
class TokenizationStats:
    """How a tokenizer splits texts.

    Args:
        fertility: tokens per word (Rust et al., 2021, arXiv 2012.15613, section 3). Words are what
            white space separates: in a script that writes none, a word is a whole phrase.
        unknown: share of unknown tokens. Where it is high, fertility has no meaning.
    """

    fertility: float
    unknown: float


@dataclass(frozen=True)
class ScriptStats:
    """The pairs of a script.

    Args:
        script: ISO 15924 code.
        languages: number of languages in it.
        pairs: number of pairs of them all.
        identical: share of pairs whose romanization equals the text.
        ambiguous: share of distinct texts whose romanization is also that of another text of the
            language: only the native view tells them apart.
        length_ratio: characters of the romanization per character of the text, the mean over pairs.
        native: tokenization of the native view.
        romanized: tokenization of the romanized view.
    """

    script: str
    languages: int
    pairs: int
    identical: float
    ambiguous: float
    length_ratio: float
    native: TokenizationStats
    romanized: TokenizationStats


def script_stats(
    pairs: PairsFolder,
    tokenizer: PreTrainedTokenizerBase,
    split: str = "all",
    languages: Sequence[str] | None = None,
) -> list[ScriptStats]:
    """One :class:`ScriptStats` for each script, in alphabetical order.

    Raises:
        ConfigError: an unknown split, or a language that the folder does not have.
    """
    by_script: defaultdict[str, list[dict]] = defaultdict(list)
    for row in pairs.split(split, languages=languages).to_pylist():
        script = row["lang"].split("_")[1]
        by_script[script].append(row)
    return [_stats_of(script, rows, tokenizer) for script, rows in sorted(by_script.items())]


class SharedRomanization(NamedTuple):
    """Different texts of a language that have the same romanization."""

    lang: str
    romanized: str
    texts: list[str]


def shared_romanizations(rows: Iterable[Mapping[str, str]]) -> list[SharedRomanization]:
    """The romanizations that several texts of a language share, in the order of the rows."""
    texts: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for row in rows:
        texts[row["lang"], row["romanized"]][row["text"]] = None
    shared = []
    for (lang, romanized), distinct in texts.items():
        if len(distinct) > 1:
            shared.append(SharedRomanization(lang, romanized, list(distinct)))
    return shared


def _stats_of(script: str, rows: Sequence[dict], tokenizer: PreTrainedTokenizerBase) -> ScriptStats:
    ambiguous = sum(len(shared.texts) for shared in shared_romanizations(rows))
    distinct = len({(row["lang"], row["text"]) for row in rows})
    return ScriptStats(
        script,
        languages=len({row["lang"] for row in rows}),
        pairs=len(rows),
        identical=fmean(row["identical"] for row in rows),
        ambiguous=ambiguous / distinct,
        length_ratio=fmean(len(row["romanized"]) / len(row["text"]) for row in rows),
        native=tokenization_stats(tokenizer, [row["text"] for row in rows]),
        romanized=tokenization_stats(tokenizer, [row["romanized"] for row in rows]),
    )


def tokenization_stats(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> TokenizationStats:
    """The :class:`TokenizationStats` of texts, without special tokens."""
    tokens = unknown = 0
    for start in range(0, len(texts), TEXTS_PER_CALL):
        chunk = list(texts[start : start + TEXTS_PER_CALL])
        for ids in tokenizer(chunk, add_special_tokens=False, verbose=False)["input_ids"]:
            tokens += len(ids)
            unknown += ids.count(tokenizer.unk_token_id)
    words = sum(len(text.split()) for text in texts)
    return TokenizationStats(tokens / max(words, 1), unknown / max(tokens, 1))


def plot_fertility(stats: Sequence[ScriptStats]) -> Figure:
    """Plot tokens per word in each script, native and romanized, joined by a line. The script that
    romanization lengthens most is at the bottom.
    """
    import altair as alt

    ordered = sorted(stats, key=lambda s: s.romanized.fertility - s.native.fertility)
    rows, points = [], []
    for of_script in ordered:
        name = f"{script_name(of_script.script)} ({of_script.languages})"
        both = {
            "native": round(of_script.native.fertility, 3),
            "romanized": round(of_script.romanized.fertility, 3),
        }
        rows.append({"script": name, **both})
        points += [{"script": name, "view": view, "tokens": both[view]} for view in both]
    names = [row["script"] for row in rows]
    views = ["native", "romanized"]
    legend = alt.Legend(title=None, orient="bottom", symbolOpacity=1)
    colours = alt.Scale(domain=views, range=["var(--series-0)", "var(--series-1)"])
    shapes = alt.Scale(domain=views, range=["circle", "diamond"])
    y = alt.Y("script:N", sort=names, title=None, axis=alt.Axis(labelLimit=150))
    title = "tokens per word, by script (languages)"
    tooltip = ["script:N", "view:N", alt.Tooltip("tokens:Q", title="tokens per word")]
    lines = alt.Chart(alt.NamedData("scripts")).mark_rule(color=FAINT, aria=False)
    dots = alt.Chart(alt.NamedData("views")).mark_point(filled=True, size=60, opacity=1, aria=False)
    dots = dots.encode(
        x=alt.X("tokens:Q", title=title),
        y=y,
        color=alt.Color("view:N", scale=colours, legend=legend),
        shape=alt.Shape("view:N", scale=shapes, legend=legend),
        tooltip=tooltip,
    )
    panel = alt.layer(lines.encode(x="native:Q", x2="romanized:Q", y=y), dots)
    panel = panel.properties(width=300, height=18 * len(rows))
    differences = [f"{row['script']} {row['native']} and {row['romanized']}" for row in rows]
    return Figure(
        "fertility",
        f"Tokens per word, native and romanized: {'; '.join(differences)}.",
        [panel],
        {"scripts": rows, "views": points},
        layout=Layout(margin=170),
    )
