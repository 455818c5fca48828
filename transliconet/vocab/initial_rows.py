"""Embedding rows with which new subwords begin, by the field's names."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count

import numpy as np
from scipy.sparse import csr_matrix
from transformers import PreTrainedTokenizerBase

from transliconet.errors import ConfigError, Option
from transliconet.tokens.marks import WORD_START, WordMarks
from transliconet.vocab.apply import tokenize_ids
from transliconet.vocab.row_weights import (
    NEIGHBOURS,
    TEMPERATURE,
    aligned_weights,
    nearest_weights,
    span_overlap,
    sparsemax,
)
from transliconet.vocab.skip_gram import ConvexWeights
from transliconet.vocab.word_vectors import (
    cooccurrence_vectors,
    read_dictionary,
    read_word_vectors,
    rotation,
    shared_words,
    subword_vectors,
    unit,
)

CANDIDATES = 1000
"""Old subwords, the most frequent of the corpus, over which ``convex`` learns weights."""


@dataclass(frozen=True)
class ExternalVectors:
    """Files of word vectors for ``ofa`` and ``wechsel``
    (:func:`transliconet.vocab.word_vectors.read_word_vectors`).

    Args:
        source: vectors of words that the old vocabulary knows; for ``ofa``, of all languages in one
            space.
        target: for ``wechsel``: vectors of words of the new language.
        dictionary: for ``wechsel``: a file with a source and a target word on each line, separated
            by a tab. None: words that are written alike.
        neighbours, temperature: see :func:`transliconet.vocab.row_weights.nearest_weights`.
    """

    source: str | None = None
    target: str | None = None
    dictionary: str | None = None
    neighbours: int = NEIGHBOURS
    temperature: float = TEMPERATURE

    def spaces(self, init: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Word vectors for old and for new subwords, in one space.

        Args:
            init: ``ofa`` or ``wechsel``.

        Raises:
            ConfigError: a file is not given, or the dictionary knows no word of both.
            DataError: a file cannot be read.
        """
        needed = {"source": self.source} if init == "ofa" else vars(self)
        for name in ("source", "target"):
            if name in needed and needed[name] is None:
                raise ConfigError(
                    Option(name, None),
                    f"init={init} needs word vectors",
                    f"Add method.vectors.{name}=FILE",
                    code="TLN-CONFIG-710",
                ).in_section("vectors")
        source = read_word_vectors(str(self.source))
        if init == "ofa":
            return source, source
        target = read_word_vectors(str(self.target))
        if self.dictionary is None:
            words = shared_words(source, target)
        else:
            words = read_dictionary(self.dictionary)
        known = [pair for pair in words if pair[0] in source and pair[1] in target]
        if not known:
            raise ConfigError(
                Option("dictionary", self.dictionary),
                "no pair of words has vectors in both files",
                "Give a table of source and target words, separated by a tab",
                code="TLN-CONFIG-712",
            ).in_section("vectors")
        turn = rotation(
            unit(np.array([target[word] for _, word in known])),
            unit(np.array([source[word] for word, _ in known])),
        )
        return source, {word: vector @ turn for word, vector in target.items()}


@dataclass(frozen=True)
class NewSubwords:
    """What is known about new subwords when their rows are made.

    Args:
        original, extended: the tokenizer before and after.
        first: V, id of the first new subword.
        texts: that the new subwords were learned from.
        aligned: (word with new subwords, word of the other view) → occurrences.
        rows: (V, E) old embedding matrix.
        vectors: external ones.
        seed: of everything random.
    """

    original: PreTrainedTokenizerBase
    extended: PreTrainedTokenizerBase
    first: int
    texts: Sequence[str]
    aligned: Mapping[tuple[str, str], int]
    rows: np.ndarray
    vectors: ExternalVectors
    seed: int

    @property
    def number(self) -> int:
        """N, number of new subwords."""
        return len(self.extended) - self.first

    @cached_property
    def ignored(self) -> set[int]:
        """Old ids that say nothing about a word: special tokens, and the bare word start."""
        bare = self.original.convert_tokens_to_ids(WORD_START)
        return {*self.original.all_special_ids, bare}

    @cached_property
    def marks(self) -> WordMarks:
        """Of both tokenizers."""
        return WordMarks.from_tokenizer(self.original)

    def lengths(self, ids: Sequence[int]) -> list[int]:
        """Characters that each token stands for, its mark not counted."""
        tokens = self.extended.convert_ids_to_tokens(list(ids))
        return [len(self.marks.plain(token).removeprefix(WORD_START)) for token in tokens]

    def tokens(self) -> list[list[int]]:
        """The texts as the extended tokenizer splits them."""
        return list(tokenize_ids(self.extended, self.texts))


def aligned_counts(new: NewSubwords) -> csr_matrix:
    """(N, V): how often an old subword stands in an aligned word where a new one stands
    (:func:`transliconet.vocab.row_weights.span_overlap`).

    Where the old tokenizer does not know characters of the aligned word, its subwords of the word
    itself are counted: in a script that the vocabulary lacks, native words are so given the
    subwords of their romanization, and romanized words their own.
    """
    words = [new.marks.within_text(word) for word, _ in new.aligned]
    others = [new.marks.within_text(other) for _, other in new.aligned]
    unknown = new.original.unk_token_id
    counts: defaultdict[tuple[int, int], float] = defaultdict(float)
    split = zip(
        tokenize_ids(new.extended, words),
        tokenize_ids(new.original, words),
        tokenize_ids(new.original, others),
        new.aligned.values(),
        strict=True,
    )
    for ids, own, aligned, number in split:
        sources = own if unknown in aligned else aligned
        overlap = span_overlap(new.lengths(ids), new.lengths(sources))  # (m, n)
        for place, source in zip(*np.nonzero(overlap), strict=True):
            id_, source_id = ids[place], sources[source]
            if id_ >= new.first and source_id not in new.ignored:
                counts[id_ - new.first, source_id] += number * overlap[place, source]
    places = np.array(list(counts), dtype=int).reshape(-1, 2)  # (M, 2)
    values = np.array(list(counts.values()))  # (M,)
    return csr_matrix((values, (places[:, 0], places[:, 1])), shape=(new.number, new.first))


def aligned(new: NewSubwords) -> csr_matrix:
    """:func:`transliconet.vocab.row_weights.aligned_weights`."""
    return aligned_weights(aligned_counts(new))


def aligned_top(new: NewSubwords) -> csr_matrix:
    """The row of the most frequent subword of the aligned words."""
    return aligned_weights(aligned_counts(new), most_frequent=True)


def focus(new: NewSubwords) -> csr_matrix:
    """FOCUS: sparsemax of the cosines with the old subwords that the corpus uses, by vectors that
    are counted in the corpus (the paper trains fastText there).
    """
    tokens = new.tokens()
    vectors = unit(cooccurrence_vectors(tokens, new.first + new.number))
    used = set(chain.from_iterable(tokens)) & set(range(new.first))
    overlap = sorted(used - new.ignored)
    return _over_old(new, vectors, overlap, sparsemax)


def nearest(new: NewSubwords, init: str) -> csr_matrix:
    """OFA and WECHSEL: the nearest old subwords by external word vectors."""
    of_old, of_new = new.vectors.spaces(init)
    size = new.first + new.number
    spaces = []
    for tokenizer, words in ((new.original, of_old), (new.extended, of_new)):
        ids = list(tokenize_ids(tokenizer, list(map(new.marks.within_text, words))))
        spaces.append(unit(subword_vectors(ids, np.array([*words.values()]), size)))
    old, added = spaces
    known = np.flatnonzero(old[: new.first].any(axis=1))
    overlap = sorted(set(known.tolist()) - new.ignored)

    def weigh(cosines: np.ndarray) -> np.ndarray:
        return nearest_weights(cosines, new.vectors.neighbours, new.vectors.temperature)

    return _over_old(new, np.concatenate([old[: new.first], added[new.first :]]), overlap, weigh)


def convex(new: NewSubwords) -> csr_matrix:
    """CW2V: :class:`transliconet.vocab.skip_gram.ConvexWeights` over the most frequent old
    subwords of the corpus.
    """
    frequencies: Counter[int] = Counter()
    for ids in tokenize_ids(new.original, list(chain.from_iterable(new.aligned))):
        frequencies.update(ids)
    for id_ in new.ignored:
        del frequencies[id_]
    candidates = [id_ for id_, _ in frequencies.most_common(CANDIDATES)]
    all_ids = [*candidates, *range(new.first, new.first + new.number)]
    number_of = dict(zip(all_ids, count(), strict=False))
    rows = []
    for ids in new.tokens():
        rows.append([number_of[id_] for id_ in ids if id_ in number_of])
    learned = ConvexWeights(seed=new.seed)(rows, new.rows[candidates], new.number)
    return _spread(learned, candidates, new)


INITIALIZATIONS: dict[str, Callable[[NewSubwords], csr_matrix]] = {
    "aligned": aligned,
    "aligned_top": aligned_top,
    "focus": focus,
    "convex": convex,
    "ofa": lambda new: nearest(new, "ofa"),
    "wechsel": lambda new: nearest(new, "wechsel"),
}
"""Name → weights (N, V). A subword whose weights are 0 keeps the mean of its own old subwords."""


def _over_old(
    new: NewSubwords,
    vectors: np.ndarray,
    overlap: Sequence[int],
    weigh: Callable[[np.ndarray], np.ndarray],
) -> csr_matrix:
    """(N, V) weights of some old subwords by their cosines; 0 for new subwords without a vector.

    Args:
        new: the new subwords.
        vectors: (V + N, D), of length 1 or 0.
        overlap: C old ids.
        weigh: from cosines to weights.
    """
    added = vectors[new.first :]  # (N, D)
    weights = np.zeros((new.number, len(overlap)))
    known = added.any(axis=1)
    if known.any() and len(overlap):
        weights[known] = weigh(added[known] @ vectors[overlap].T)
    return _spread(weights, overlap, new)


def _spread(weights: np.ndarray, columns: Sequence[int], new: NewSubwords) -> csr_matrix:
    """(N, C) weights of some old subwords → (N, V)."""
    small = csr_matrix(weights).tocoo()
    places = (small.row, np.array(columns, dtype=int)[small.col])
    return csr_matrix((small.data, places), shape=(new.number, new.first))
