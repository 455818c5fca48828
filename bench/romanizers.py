"""Romanizers of the same languages beside uroman: what each keeps apart, how long it is, its speed.

    python bench/romanizers.py FILE.parquet [FILE.parquet …] [--lines 1000] [--tokenizer FOLDER]

Files are long Parquet (id, lang, text), brought to Unicode NFC. Every language that
``corpus.romanizer=best`` or the tables of cyrtranslit give a romanizer of its own is romanized by
uroman and by those. The columns are the ones that Purkayastha et al. (2023, "Romanization-based
Large-scale Adaptation of Multilingual Language Models") compare romanizers by, in percent where
they are shares:

- **ambiguous words, tokens**: share of the distinct native words, and of their occurrences, whose
  romanization another native word has, too: what no model can tell apart any more without context.
  Each word is romanized alone, in lower case;
- **characters**, **subwords**: length of the romanization over that of native text, the latter by
  ``--tokenizer``, a folder with ``tokenizer.json``;
- **unromanized**: share of letters that are still not Latin;
- **lines/s**: per second of processor time; tables are loaded before, caches are empty.

Japanese, Chinese and Thai words are found by MeCab, the phrases of pypinyin, and PyThaiNLP. Those
phrases are in simplified characters: traditional text falls apart into single ones.
"""

import argparse
import random
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from tabulate import tabulate
from tokenizers import Tokenizer

from transliconet.corpus.chunks import count_letters
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.romanizers.european import CYRILLIC
from transliconet.romanizers.indic import SCHEMES
from transliconet.romanizers.registry import BEST_BY_LANGUAGE, DEFAULT, ROMANIZERS

WORD = re.compile(r"[^\W\d_](?:\w|[\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u200c\u200d])*")
"""A letter and what follows it; the vowel signs of Indic scripts are no word characters."""


def romanizers_of(tag: str) -> list[str]:
    """Names of the romanizers to compare; uroman alone where the language has none of its own."""
    code, _, script = tag.partition("_")
    names = ["uroman"]
    if script in SCHEMES:
        names.append("indic-iso")
    if script == "Arab":
        names += ["arabic-buckwalter", "arabic-typed"]
    if code == "ell":
        names.append("greek-iso")
    if script == "Cyrl" and code in CYRILLIC:
        names.append("cyrtranslit")
    for key in (tag, code, script):
        if key in BEST_BY_LANGUAGE and key != DEFAULT:
            names.append(BEST_BY_LANGUAGE[key])
    return list(dict.fromkeys(names))


def word_finder(tag: str) -> Callable[[str], Iterable[str]]:
    """What splits a line of a language into words."""
    code = tag.partition("_")[0]
    if code == "jpn":
        import fugashi

        tagger = fugashi.Tagger()
        return lambda line: [str(word) for word in tagger(line)]
    if code in ("zho", "cmn", "yue"):
        from pypinyin.seg import mmseg

        return mmseg.seg.cut
    if code == "tha":
        from pythainlp.tokenize import word_tokenize

        return word_tokenize
    return WORD.findall


def count_words(lines: Iterable[str], tag: str) -> Counter[str]:
    """How often each native word occurs; what is in Latin script or has no letter is left out."""
    split = word_finder(tag)
    counts: Counter[str] = Counter()
    for line in lines:
        for word in split(line):
            letters, foreign = count_letters(word)
            if letters and foreign == letters:
                counts[word.casefold()] += 1
    return counts


def ambiguity(counts: Counter[str], romanize: Romanizer, tag: str) -> tuple[float, float]:
    """Share of distinct words, and of tokens, whose romanization another word has, too."""
    by_romanization: defaultdict[str, list[str]] = defaultdict(list)
    for word in counts:
        romanized, _ = romanize_line(romanize, word, tag)
        by_romanization[romanized.strip()].append(word)
    shared = [word for words in by_romanization.values() if len(words) > 1 for word in words]
    return len(shared) / len(counts), sum(counts[word] for word in shared) / counts.total()


def subwords(tokenizer: Tokenizer, lines: Sequence[str]) -> int:
    encodings = tokenizer.encode_batch(list(lines), add_special_tokens=False)
    return sum(len(encoding.ids) for encoding in encodings)


def measure(
    name: str, tag: str, lines: Sequence[str], words: Counter[str], tokenizer: Tokenizer | None
) -> list[str]:
    """One row of the table, from the romanizer's name on."""
    romanize = ROMANIZERS[name]()
    romanize("", tag)
    romanize(next(iter(words)), tag)  # loads the tables
    started = time.process_time()
    romanized = [romanize_line(romanize, line, tag)[0] for line in lines]
    seconds = time.process_time() - started
    of_types, of_tokens = ambiguity(words, romanize, tag)
    letters, foreign = count_letters("".join(romanized))
    characters = len("".join(romanized)) / len("".join(lines))
    row = [name, f"{100 * of_types:.1f}", f"{100 * of_tokens:.1f}", f"{characters:.2f}"]
    if tokenizer:
        row.append(f"{subwords(tokenizer, romanized) / subwords(tokenizer, lines):.2f}")
    return [*row, f"{100 * foreign / max(letters, 1):.1f}", f"{len(lines) / seconds:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--lines", type=int, default=1000, help="most lines of a language")
    parser.add_argument("--tokenizer", type=Path, help="folder with tokenizer.json")
    parser.add_argument("--languages", nargs="+", help="tags; all of the files otherwise")
    options = parser.parse_args()
    tokenizer = None
    if options.tokenizer:
        tokenizer = Tokenizer.from_file(str(options.tokenizer / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for file in options.files:
        table = pq.read_table(file, columns=["lang", "text"])
        for tag, text in zip(table["lang"].to_pylist(), table["text"].to_pylist(), strict=True):
            texts[tag].append(unicodedata.normalize("NFC", text))
    rows = []
    for tag in options.languages or sorted(texts):
        if len(romanizers_of(tag)) == 1:
            continue
        lines = random.Random(0).sample(texts[tag], min(options.lines, len(texts[tag])))
        words = count_words(lines, tag)
        for name in romanizers_of(tag):
            rows.append([tag, len(words), *measure(name, tag, lines, words, tokenizer)])
            print(*rows[-1], flush=True)
    headers = ["language", "words", "romanizer", "ambiguous words", "tokens", "characters"]
    if tokenizer:
        headers.append("subwords")
    headers += ["unromanized", "lines/s"]
    align = ["left", "right", "left", *["right"] * (len(headers) - 3)]
    print(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align))


if __name__ == "__main__":
    main()
