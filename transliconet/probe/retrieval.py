"""The retrieval probe: does a sentence find its romanization, and do both find their
translation?
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import NamedTuple

import numpy as np

from transliconet.errors import ConfigError, DataError, require_choice, require_range
from transliconet.model.embed import embed_layers
from transliconet.model.encoder import Encoder, layer_numbers
from transliconet.pairs import PairsFolder, id_fraction
from transliconet.probe.measures import measures_of
from transliconet.probe.record import (
    KS,
    RetrievalRecord,
    accuracy,
    bootstrap_ci95,
    mean_reciprocal_rank,
    reciprocal_ranks,
)
from transliconet.probe.search import INDEXES, SIMILARITIES, search
from transliconet.tokens.noise import Augment, noisy_romanization
from transliconet.tokens.tokenize import tokenize

NATIVE, ROMANIZED, NOISY = "native", "romanized", "noisy"
COLUMN = {NATIVE: "text", ROMANIZED: "romanized"}
WITH_IDENTICAL = ", with identical pairs"
"""Ends the name of a task that keeps pairs whose romanization equals the text."""

Vectors = Callable[[Sequence[str]], np.ndarray]


class Side(NamedTuple):
    """One end of a task: texts of a language in a view."""

    lang: str
    view: str


class Task(NamedTuple):
    """Sentences of ``source`` that look for those of ``target`` with the same id."""

    language: str
    name: str
    source: Side
    target: Side
    ids: list[str]


@dataclass(frozen=True)
class RetrievalProbe:
    """What is compared with what.

    Every language: native → romanized and back. With pivots, every other language in both views →
    the pivot in its ``pivot_views``, and back. Candidates are all answers of the task.

    Args:
        split: split of the pairs folder: ``heldout``, ``train`` or ``all``.
        languages: tags; None takes every language of the part.
        pivots: tags to retrieve translations in, e.g. ``[eng_Latn]``; the same id must mean the
            same thing.
        pivot_views: views of the pivots, ``native``, ``romanized`` or both; a pivot that
            romanization leaves as it is has one.
        noisy: shares of misspelled words and of partly romanized texts above 0 add a third view,
            the romanization as people might write it; its tasks are those of the romanized view.
        layer: hidden layer, 0 … ``encoder.layers`` or ``last``; several, or ``all``: every task
            once for each, from one pass over the texts.
        pooling, max_length, batch_tokens: see :func:`transliconet.model.embed.embed`.
        similarity: ``cosine``, or what puts hubs in their place: ``margin``, ``csls``.
        index: ``flat`` searches exactly; ``hnsw`` and ``ivf`` approximately, for more than a
            million vectors, with ``recall`` (share of exact nearest neighbours found) among the
            measures.
        max_candidates: at most that many ids a task, chosen by a hash of the id; None takes all.
        min_candidates: a task with fewer is left out.
        unchanged: pairs whose romanization equals the text, in native ↔ romanized tasks: ``skip``,
            ``keep`` (trivially right), or ``both``, which runs such tasks with and without them.
        measures: also compute :func:`transliconet.probe.measures.measures_of`; of native ↔
            romanized tasks also ``identical``, the share of the language's pairs that romanization
            leaves as they are.
        depth: ranks are exact down to here.
        seed: of the choice of ids and the bootstrap.
    """

    split: str = "heldout"
    languages: Sequence[str] | None = None
    pivots: Sequence[str] = ()
    layer: int | str | Sequence[int | str] = "last"
    pooling: str = "mean"
    max_length: int = 512
    batch_tokens: int = 4096
    max_candidates: int | None = 1000
    min_candidates: int = 20
    unchanged: str = "skip"
    depth: int = 100
    seed: int = 0
    similarity: str = "cosine"
    index: str = "flat"
    measures: bool = True
    pivot_views: Sequence[str] = (NATIVE,)
    noisy: Augment | None = None

    def __post_init__(self) -> None:
        require_choice("probe.split", self.split, ("heldout", "train", "all"))
        for view in self.pivot_views:
            require_choice("probe.pivot_views", view, (NATIVE, ROMANIZED))
        require_choice("probe.similarity", self.similarity, SIMILARITIES)
        require_choice("probe.index", self.index, INDEXES)
        require_choice("probe.unchanged", self.unchanged, ("skip", "keep", "both"))
        require_range("probe.min_candidates", self.min_candidates, least=1)
        require_range("probe.depth", self.depth, least=max(KS))
        if self.max_candidates is not None:
            require_range("probe.max_candidates", self.max_candidates, least=self.min_candidates)

    def run(self, encoder: Encoder, pairs: PairsFolder) -> list[RetrievalRecord]:
        """Embed and search.

        Raises:
            ConfigError: a language that the folder does not have, or a layer that the encoder does
                not have.
            DataError: no task has enough candidates, or with pivots none between two languages.
        """
        layers = self.layers(encoder)
        held: dict[tuple[str, ...], np.ndarray] = {}

        def vectors_of(place: int) -> Vectors:
            def vectors(texts: Sequence[str]) -> np.ndarray:
                if (key := tuple(texts)) not in held:
                    rows, _ = tokenize(
                        encoder.tokenizer, texts, min(self.max_length, encoder.positions)
                    )
                    held[key] = embed_layers(encoder, rows, layers, self.pooling, self.batch_tokens)
                return held[key][place]

            return vectors

        by_layer = (self.evaluate(vectors_of(i), pairs, layer) for i, layer in enumerate(layers))
        return [record for records in by_layer for record in records]

    def layers(self, encoder: Encoder) -> list[int]:
        """Numbers of the hidden layers that are probed.

        Raises:
            ConfigError: a layer that the encoder does not have.
        """
        wanted = range(encoder.layers + 1) if self.layer == "all" else self.layer
        return layer_numbers(encoder, wanted, "probe.layer")

    def tasks(self, pairs: PairsFolder) -> list[str]:
        """Names of the tasks that the folder has sentences for."""
        return list(dict.fromkeys(task.name for task in self._tasks(self._texts(pairs))))

    def evaluate(self, vectors: Vectors, pairs: PairsFolder, layer: int) -> list[RetrievalRecord]:
        """As :meth:`run`, for any function from texts to (N, D) vectors."""
        texts = self._texts(pairs)
        tasks = list(self._tasks(texts))
        if not tasks:
            sizes = {tag: len(t) for tag, t in texts.items()}
            raise DataError(
                f"probe.split={self.split} of {pairs.path}",
                f"no task has {self.min_candidates} candidates (rows: {sizes})",
                "Hold out more in prepare (rules.heldout=0.1), or lower probe.min_candidates",
                code="TLN-DATA-606",
            )
        if self.pivots and all(task.source.lang == task.target.lang for task in tasks):
            raise DataError(
                f"probe.pivots={list(self.pivots)}",
                f"no other language of {', '.join(texts)} shares {self.min_candidates} ids with one",
                "Give parallel text, in which equal ids mean the same, or lower probe.min_candidates",
                code="TLN-DATA-607",
            )
        wanted: defaultdict[Side, dict[str, int]] = defaultdict(dict)
        for task in tasks:
            for side in (task.source, task.target):
                for id_ in task.ids:
                    wanted[side].setdefault(id_, len(wanted[side]))
        embedded = {
            side: vectors([self._text(texts[side.lang][id_], side.view) for id_ in ids])
            for side, ids in wanted.items()
        }
        identical = {
            tag: fmean(row["identical"] for row in rows.values()) for tag, rows in texts.items()
        }
        return [
            self._record(
                task,
                layer,
                identical,
                *(
                    embedded[side][[wanted[side][id_] for id_ in task.ids]]
                    for side in (task.source, task.target)
                ),
            )
            for task in tasks
        ]

    def _texts(self, pairs: PairsFolder) -> dict[str, dict[str, dict]]:
        """tag → id → row, the first row of an id."""
        wanted = (
            None if self.languages is None else list(dict.fromkeys([*self.languages, *self.pivots]))
        )
        rows = pairs.split(self.split, languages=wanted)
        texts: dict[str, dict[str, dict]] = {}
        for row in rows.select(["id", "lang", "text", "romanized", "identical"]).to_pylist():
            texts.setdefault(row["lang"], {}).setdefault(row["id"], row)
        if absent := [p for p in self.pivots if p not in texts]:
            raise ConfigError(
                f"probe.pivots={list(self.pivots)}",
                f"{absent[0]} has no rows there",
                "Choose another pivot",
                code="TLN-CONFIG-600",
            )
        return dict(sorted(texts.items()))

    def _text(self, row: Mapping[str, str], view: str) -> str:
        if view != NOISY or self.noisy is None:
            return row[COLUMN[view]]
        rng = np.random.default_rng(
            int(2**63 * id_fraction(f"{row['lang']} {row['id']}", self.seed))
        )
        return noisy_romanization(row["text"], row["romanized"], self.noisy, rng)

    def _tasks(self, texts: dict[str, dict[str, dict]]) -> Iterator[Task]:
        for lang, rows in texts.items():
            native, views = Side(lang, NATIVE), (ROMANIZED, NOISY) if self.noisy else (ROMANIZED,)
            for (ids, ending), view in product(self._within(rows), views):
                yield Task(lang, f"native→{view}{ending}", native, Side(lang, view), ids)
                yield Task(lang, f"{view}→native{ending}", Side(lang, view), native, ids)
            for pivot in self.pivots:
                shared = (
                    self._choose(rows.keys() & texts[pivot].keys())
                    if lang not in self.pivots
                    else []
                )
                for view, side in (
                    product((NATIVE, *views), self._pivot_sides(pivot, texts)) if shared else ()
                ):
                    name = pivot if side.view == NATIVE else f"{pivot}, romanized"
                    yield Task(lang, f"{view}→{name}", Side(lang, view), side, shared)
                    yield Task(lang, f"{name}→{view}", side, Side(lang, view), shared)

    def _pivot_sides(self, pivot: str, texts: dict[str, dict[str, dict]]) -> list[Side]:
        """The pivot in each view that differs from the one before."""
        latin = all(row["identical"] for row in texts[pivot].values())
        return [Side(pivot, NATIVE)] if latin else [Side(pivot, view) for view in self.pivot_views]

    def _within(self, rows: dict[str, dict]) -> Iterator[tuple[list[str], str]]:
        """The ids of native ↔ romanized tasks and what ends their names; none where too few are
        left.
        """
        different = [id_ for id_, row in rows.items() if not row["identical"]]
        every = len(different) == len(rows)
        sets = {"skip": [(different, "")], "keep": [(list(rows), "")]}
        sets["both"] = sets["skip"] if every else [(different, ""), (list(rows), WITH_IDENTICAL)]
        for ids, ending in sets[self.unchanged]:
            if chosen := self._choose(ids):
                yield chosen, ending

    def _choose(self, ids: Iterable[str]) -> list[str]:
        chosen = sorted(ids, key=lambda id_: (id_fraction(id_, self.seed + 2), id_))[
            : self.max_candidates
        ]
        return chosen if len(chosen) >= self.min_candidates else []

    def _record(
        self,
        task: Task,
        layer: int,
        identical: Mapping[str, float],
        queries: np.ndarray,
        answers: np.ndarray,
    ) -> RetrievalRecord:
        found = search(queries, answers, self.depth, self.similarity, self.index)
        measures = measures_of(queries, answers, task.source, task.target) if self.measures else {}
        if self.measures and task.source.lang == task.target.lang:
            measures["identical"] = identical[task.language]
        if found.recall is not None:
            measures["recall"] = found.recall
        ranks = found.ranks
        return RetrievalRecord(
            language=task.language,
            task=task.name,
            source=task.source.lang,
            target=task.target.lang,
            source_view=task.source.view,
            target_view=task.target.view,
            layer=layer,
            pooling=self.pooling,
            similarity=self.similarity,
            n=len(ranks),
            acc={k: accuracy(ranks, k) for k in KS},
            mrr=mean_reciprocal_rank(ranks, self.depth),
            ci95=bootstrap_ci95(ranks <= 1, self.seed),
            depth=self.depth,
            measures=measures,
            mrr_ci95=bootstrap_ci95(reciprocal_ranks(ranks, self.depth), self.seed),
        )
