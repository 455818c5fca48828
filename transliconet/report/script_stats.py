"""What romanization does to the pairs of each script, before any model: what stays, what merges,
how it is cut.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from transformers import PreTrainedTokenizerBase

from transliconet.pairs import PairsFolder
from transliconet.report.plots import AFTER, BEFORE, blank


@dataclass(frozen=True)
class Cut:
    """How a tokenizer cuts texts.

    ``fertility`` is tokens a word (Rust et al., 2021, arXiv 2012.15613, section 3), words being
    what white space
    parts: in a script that writes none, a word is a whole phrase. ``unknown`` is the share of
    tokens that stand for characters without a piece; where it is high, fertility says nothing.
    """

    fertility: float
    unknown: float


@dataclass(frozen=True)
class ScriptViews:
    """Both views of a script's pairs.

    Args:
        script: ISO 15924.
        languages: number of languages in it.
        pairs: of them all.
        identical: share of pairs whose romanization equals the text.
        merged: share of different texts whose romanization is also that of another one of the
            language: what only the native view tells apart.
        longer: characters of the romanization to those of the text, mean of all pairs.
        native, romanized: how each view is cut.
    """

    script: str
    languages: int
    pairs: int
    identical: float
    merged: float
    longer: float
    native: Cut
    romanized: Cut


def script_views(
    pairs: PairsFolder,
    tokenizer: PreTrainedTokenizerBase,
    split: str = "all",
    languages: Sequence[str] | None = None,
) -> list[ScriptViews]:
    """One :class:`ScriptViews` a script, in alphabetical order.

    Raises:
        ConfigError: an unknown part, or a language that the folder does not have.
    """
    by_script: defaultdict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for row in pairs.split(split, languages=languages).to_pylist():
        by_script[row["lang"].split("_")[1]][row["lang"]].append(row)
    return [
        _views(script, by_language, tokenizer) for script, by_language in sorted(by_script.items())
    ]


class Merged(NamedTuple):
    """Different texts of a language that have one romanization."""

    lang: str
    romanized: str
    texts: list[str]


def merged_texts(rows: Iterable[dict]) -> list[Merged]:
    """The romanizations that several texts of a language share, in the order of the rows."""
    texts: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for row in rows:
        texts[row["lang"], row["romanized"]][row["text"]] = None
    return [
        Merged(lang, roman, list(several))
        for (lang, roman), several in texts.items()
        if len(several) > 1
    ]


def _views(
    script: str, by_language: dict[str, list[dict]], tokenizer: PreTrainedTokenizerBase
) -> ScriptViews:
    rows = [row for members in by_language.values() for row in members]
    merged = sum(len(group.texts) for group in merged_texts(rows))
    distinct = len({(row["lang"], row["text"]) for row in rows})
    return ScriptViews(
        script,
        len(by_language),
        len(rows),
        identical=fmean(row["identical"] for row in rows),
        merged=merged / distinct,
        longer=fmean(len(row["romanized"]) / len(row["text"]) for row in rows),
        native=cut(tokenizer, [row["text"] for row in rows]),
        romanized=cut(tokenizer, [row["romanized"] for row in rows]),
    )


def cut(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Cut:
    """:class:`Cut` of texts, special tokens not counted."""
    tokens = unknown = 0
    for start in range(0, len(texts), 4096):
        for row in tokenizer(
            list(texts[start : start + 4096]), add_special_tokens=False, verbose=False
        )["input_ids"]:
            tokens += len(row)
            unknown += row.count(tokenizer.unk_token_id)
    words = sum(len(text.split()) for text in texts)
    return Cut(tokens / max(words, 1), unknown / max(tokens, 1))


def plot_fertility(views: Sequence[ScriptViews]) -> Figure:
    """Tokens a word of each script, native and romanized, joined by a line; the largest difference
    on top.
    """
    ordered = sorted(views, key=lambda v: v.native.fertility - v.romanized.fertility)
    where = np.arange(len(ordered))
    native, romanized = (
        [getattr(v, view).fertility for v in ordered] for view in ("native", "romanized")
    )
    figure = blank(7, 1.4 + 0.24 * len(ordered))
    ax = figure.add_subplot()
    ax.hlines(where, native, romanized, color=BEFORE, zorder=1)
    ax.scatter(native, where, color="black", s=28, label="native", zorder=2)
    ax.scatter(romanized, where, color=AFTER, marker="D", s=28, label="romanized", zorder=2)
    ax.set_yticks(where, [f"{v.script} ({v.languages})" for v in ordered])
    ax.set(xlabel="tokens a word", ylabel="script (languages)", xlim=(0, None))
    ax.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
