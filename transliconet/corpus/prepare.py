"""``prepare``: read, drop and count, romanise, write."""

import hashlib
import logging
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from transliconet.corpus.pairs import PairsFolder, PairsWriter, new_pairs_folder
from transliconet.corpus.read import Line, Reader, Skip
from transliconet.corpus.romanize import Romanizer
from transliconet.errors import DataError, require_choice, require_range

log = logging.getLogger(__name__)

CHUNK = 256  # lines sent to a worker at once: large enough to hide the traffic, small enough to balance the load


@dataclass(frozen=True)
class Rules:
    """What is kept. Every row that a rule drops is counted in the manifest by language and reason.

    Args:
        max_chars: longer lines are dropped (``too_long``).
        duplicates: ``drop`` keeps the first of the lines with the same text in a language, ``keep`` keeps all.
        identical: ``flag`` keeps pairs whose romanisation equals the text, marked in the column ``identical``
            (training passes over them, the probe can use them as targets); ``drop`` drops them.
        max_per_language: keep that many lines a language, chosen by a hash of the id: the same lines whatever the
            order of the files, and the same ids in every language; None keeps all.
        heldout: share of ids kept out of training, in every language at once. Chosen by a hash of id and seed.
        seed: of the hash.
    """

    max_chars: int = 2000
    duplicates: str = "drop"
    identical: str = "flag"
    max_per_language: int | None = None
    heldout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("duplicates", self.duplicates, ("drop", "keep"))
        require_choice("identical", self.identical, ("flag", "drop"))
        require_range("max_chars", self.max_chars, least=1)
        require_range("heldout", self.heldout, least=0, most=1)
        if self.max_per_language is not None:
            require_range("max_per_language", self.max_per_language, least=1)

    def is_heldout(self, id_: str) -> bool:
        return id_fraction(id_, self.seed) < self.heldout


def id_fraction(id_: str, seed: int) -> float:
    """A number in [0, 1) that depends on the id and the seed alone."""
    digest = hashlib.blake2b(f"{seed}\0{id_}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Ledger:
    """Counts every line that came in as kept or as dropped for a reason."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.heldout: Counter[str] = Counter()
        self.identical: Counter[str] = Counter()
        self.dropped: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def manifest(self) -> dict[str, object]:
        return {
            "languages": {
                lang: {
                    "read": self.read[lang],
                    "kept": self.kept[lang],
                    "heldout": self.heldout[lang],
                    "identical": self.identical[lang],
                    "dropped": dict(sorted(self.dropped[lang].items())),
                }
                for lang in sorted(self.read)
            },
            "dropped": dict(sum(self.dropped.values(), Counter())),
        }


def prepare(
    reader: Reader,
    romanizer: Romanizer,
    out: str | Path,
    rules: Rules | None = None,
    processes: int = 1,
    overwrite: bool = False,
    progress: bool = True,
) -> PairsFolder:
    """Write the pairs folder ``out``, whole or not at all.

    Raises:
        DataError: no pair is left.
        ConfigError: ``out`` is there already, or an option has an impossible value.
    """
    rules = rules or Rules()
    require_range("processes", processes, least=1)
    ledger = Ledger()
    with new_pairs_folder(out, overwrite) as writer:
        lines = _usable(reader, rules, ledger, writer)
        romanized = _romanize(lines, romanizer, processes)
        for line, roman, error in tqdm(romanized, desc="romanise", unit=" lines", disable=not progress, mininterval=1):
            _write(line, roman, error, rules, ledger, writer)
        if not writer.rows:
            reasons = dict(sum(ledger.dropped.values(), Counter())) or "the source has no lines"
            raise DataError(f"out={out}", f"no pair is left to write ({reasons})", "Check the source and the rules")
        writer.manifest(
            {
                "sources": reader.sources(),
                "rules": asdict(rules),
                "romanizer": {"name": romanizer.name, "version": romanizer.version},
                **ledger.manifest(),
            }
        )
    for reason, count in sum(ledger.dropped.values(), Counter()).items():
        log.info("dropped %d lines: %s", count, reason)
    return PairsFolder.open(out)


def _drop(ledger: Ledger, writer: PairsWriter, skip: Skip) -> None:
    ledger.dropped[skip.lang][skip.reason] += 1
    writer.skipped(**{name: getattr(skip, name) for name in Skip.__slots__})


def _usable(reader: Reader, rules: Rules, ledger: Ledger, writer: PairsWriter) -> Iterator[Line]:
    """The lines worth romanising; the rest goes to the ledger."""
    seen: set[bytes] = set()
    for line in _capped(reader, rules, ledger, writer):
        if isinstance(line, Skip):
            _drop(ledger, writer, line)
            continue
        reason = _unusable(line.text, rules)
        if reason is None and rules.duplicates == "drop":
            key = hashlib.blake2b(
                f"{line.lang}\0{line.text.strip()}".encode(errors="surrogatepass"), digest_size=12
            ).digest()
            reason = "duplicate" if key in seen else None
            seen.add(key)
        if reason:
            _drop(ledger, writer, Skip(line.source, line.number, str(line.lang), reason))
        else:
            yield line


def _capped(reader: Reader, rules: Rules, ledger: Ledger, writer: PairsWriter) -> Iterator[Line | Skip]:
    """Every line, counted as read; those over ``max_per_language`` as skips."""
    thresholds = _thresholds(reader, rules) if rules.max_per_language else {}
    for line in reader:
        ledger.read[str(line.lang)] += 1
        if isinstance(line, Line) and id_fraction(line.id, rules.seed + 1) > thresholds.get(str(line.lang), 1.0):
            yield Skip(line.source, line.number, str(line.lang), "over_max_per_language")
        else:
            yield line


def _thresholds(reader: Reader, rules: Rules) -> dict[str, float]:
    """Per language, the hash below which ``max_per_language`` of its usable, distinct lines lie."""
    fractions: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for line in reader:
        if isinstance(line, Line) and _unusable(line.text, rules) is None:
            text = line.text.strip() if rules.duplicates == "drop" else f"{line.id}\0{line.number}"
            fractions[str(line.lang)].setdefault(text, id_fraction(line.id, rules.seed + 1))
    most = rules.max_per_language or 0
    return {lang: sorted(f.values())[most - 1] for lang, f in fractions.items() if len(f) > most}


def _unusable(text: str, rules: Rules) -> str | None:
    if not text.strip():
        return "empty"
    if "\0" in text:
        return "nul_byte"
    return "too_long" if len(text) > rules.max_chars else None


def _write(line: Line, roman: str, error: str, rules: Rules, ledger: Ledger, writer: PairsWriter) -> None:
    lang, text, roman = str(line.lang), line.text.strip(), roman.strip()
    reason = "romanizer_error" if error else "empty_romanization" if not roman else None
    if reason is None and roman == text and rules.identical == "drop":
        reason = "identical"
    if reason:
        _drop(ledger, writer, Skip(line.source, line.number, lang, reason, error))
        return
    heldout = rules.is_heldout(line.id)
    ledger.kept[lang] += 1
    ledger.heldout[lang] += heldout
    ledger.identical[lang] += roman == text
    writer.row(id=line.id, lang=lang, text=text, romanized=roman, identical=roman == text, heldout=heldout)


_worker_romanizer: Romanizer


def _start_worker(romanizer: Romanizer) -> None:
    global _worker_romanizer
    _worker_romanizer = romanizer


def _romanize_chunk(chunk: list[Line]) -> list[tuple[Line, str, str]]:
    return [(line, *_romanize_line(line, _worker_romanizer)) for line in chunk]


def _romanize_line(line: Line, romanizer: Romanizer) -> tuple[str, str]:
    """Romanisation and an empty error, or an empty romanisation and what the romaniser raised."""
    if line.romanized is not None:
        return line.romanized, ""
    try:
        return romanizer(line.text, line.lang.language), ""
    except Exception as error:  # third-party code on arbitrary text: whatever it raises is the line's, not the run's
        return "", f"{type(error).__name__}: {error}"


def _romanize(lines: Iterable[Line], romanizer: Romanizer, processes: int) -> Iterator[tuple[Line, str, str]]:
    if processes == 1:
        for line in lines:
            yield line, *_romanize_line(line, romanizer)
        return
    source = iter(lines)
    with multiprocessing.get_context("spawn").Pool(processes, _start_worker, (romanizer,)) as pool:
        # Rounds of a bounded number of chunks: imap over everything would read the whole corpus into its queue.
        while block := list(islice(source, CHUNK * processes * 8)):
            chunks = [block[i : i + CHUNK] for i in range(0, len(block), CHUNK)]
            for done in pool.imap(_romanize_chunk, chunks):
                yield from done
