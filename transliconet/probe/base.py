"""What every probe does with its tasks: embed the sentences, search, and score the ranks."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np

from transliconet.errors import require_choice, section
from transliconet.model.embed import embed_layers
from transliconet.model.embed_tokens import embed_tokens
from transliconet.model.encoder import Encoder
from transliconet.model.layers import layer_numbers
from transliconet.model.pooling import OR_AUTO
from transliconet.model.sentence import warn_of_differences
from transliconet.model.token_vectors import TokenVectors
from transliconet.pairs import PairsFolder
from transliconet.probe.metrics import (
    STANDARD,
    PairedMetric,
    custom_metrics,
    metric_function,
    metric_path,
    standard_metrics,
)
from transliconet.probe.outcomes import digest_of_sentences
from transliconet.probe.passed_over import PassedOver
from transliconet.probe.record import Outcomes, RetrievalRecord, rank_scores
from transliconet.probe.sample import Sample
from transliconet.probe.search import SearchResult, search
from transliconet.probe.settings import MAXSIM, Candidates, Embedding, Search
from transliconet.probe.tasks import Task, TaskPlan, identical_shares
from transliconet.probe.views import HUMAN, Side, text_in_view
from transliconet.probe.weights import require_usable_weights
from transliconet.progress import Progress
from transliconet.tokens.ragged import RaggedArray
from transliconet.tokens.tokenize import tokenize

EmbedTexts = Callable[..., np.ndarray | TokenVectors]
"""From N texts to (N, D) vectors; for MaxSim to the vectors of their tokens. Documents may have a
``prompt`` of their own. With adapters per language or script, it is told the ``language``.
"""
NO_POOLING = "tokens"
"""Stands for the pooling in records of MaxSim."""


@dataclass(frozen=True, kw_only=True)
class Probe(ABC):
    """A probe: :meth:`plan` says which sentences look for which, and the rest is the same for all.

    Args:
        candidates: which sentences are searched, and how many.
        embedding: hidden layer, pooling and batching.
        search: similarity, index and depth.
        metrics: of paired vectors, recorded beside the ranks: ``standard``
            (:func:`transliconet.probe.metrics.standard_metrics` and, within a language,
            ``identical``, the share of its pairs that romanization leaves as they are), and
            functions of your own (:class:`transliconet.probe.metrics.PairedMetric`) or their paths.
        seed: of the choice of sentences, the noise and the bootstrap.
    """

    candidates: Candidates = field(default_factory=Candidates)
    embedding: Embedding = field(default_factory=Embedding)
    search: Search = field(default_factory=Search)
    metrics: Sequence[PairedMetric | str] = (STANDARD,)
    seed: int = 0

    def __post_init__(self) -> None:
        for metric in self.metrics:
            if metric != STANDARD:
                metric_function(metric)

    @abstractmethod
    def plan(self, pairs: PairsFolder | None) -> TaskPlan:
        """The sentences and tasks of the probe, without embedding anything."""

    @abstractmethod
    def require_tasks(self, plan: TaskPlan, pairs: PairsFolder | None) -> None:
        """Raise :class:`transliconet.errors.DataError` where a plan has no tasks."""

    @abstractmethod
    def data(self, pairs: PairsFolder | None) -> dict[str, object]:
        """The text that is probed, as results files describe it."""

    def without_metrics(self) -> Self:
        """The same probe, recording ranks alone; what it has read is shared."""
        shared = copy(self)
        object.__setattr__(shared, "metrics", ())
        return shared

    def sample(self, pairs: PairsFolder) -> Sample:
        """Held-out sentences of the pairs folder for the maps of a report."""
        return Sample.draw(pairs)

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for results files."""
        values = asdict(self)
        values["metrics"] = [metric_path(metric) for metric in self.metrics]
        return values

    def run(self, encoder: Encoder, pairs: PairsFolder | None = None) -> list[RetrievalRecord]:
        """Embed and search.

        Args:
            encoder: to be probed.
            pairs: the folder, for probes that read one.

        Raises:
            CheckpointError: the encoder's weights are all zero, or hold NaN or infinite values.
            ConfigError: a layer that the encoder does not have, or see :meth:`plan`.
            DataError: no task has enough candidates.
        """
        layers = self.layers(encoder)
        with section("embedding"):
            require_choice("pooling", self.embedding.pooling, OR_AUTO)
        require_usable_weights(encoder)
        pooling = self._pooling(encoder)
        most = encoder.length_limit(self.embedding.max_length)
        used: dict[str, Any] = {"max_length": most}
        if self.search.similarity != MAXSIM:
            used["pooling"] = pooling
        if len(layers) == 1:
            used["layer"] = layers[0]
        warn_of_differences(encoder.name, encoder.sentence, **used)
        embedded: dict[tuple, Sequence[np.ndarray | TokenVectors]] = {}  # texts → one a layer

        def embed_at(
            place: int,
            texts: Sequence[str],
            prompt: str | None = None,
            language: str | None = None,
        ) -> np.ndarray | TokenVectors:
            """One pass gives all layers; it is kept for those that are evaluated next."""
            key = (prompt, language, *texts)
            if key not in embedded:
                before = encoder.prompt if prompt is None else encoder.sentence.prompt(prompt)
                rows, _ = tokenize(encoder.tokenizer, texts, most, before)
                found = self._embed(encoder, rows, layers, language)
                if len(layers) == 1:
                    return found[0]
                embedded[key] = found
            return embedded[key][place]

        records: list[RetrievalRecord] = []
        for place, layer in enumerate(layers):
            records += self.evaluate(
                partial(embed_at, place), pairs, layer, pooling, tagged=encoder.adapters is not None
            )
        return records

    def _pooling(self, encoder: Encoder) -> str:
        """The name that records have."""
        if self.search.similarity == MAXSIM:
            return NO_POOLING
        return encoder.pooling_name(self.embedding.pooling)

    def _embed(
        self, encoder: Encoder, rows: RaggedArray, layers: Sequence[int], language: str | None
    ) -> Sequence[np.ndarray | TokenVectors]:
        """Vectors of N rows of token ids, one array for each layer."""
        batch_tokens = self.embedding.batch_tokens
        if self.search.similarity == MAXSIM:
            return embed_tokens(encoder, rows, layers, batch_tokens, language=language)
        vectors = embed_layers(
            encoder,
            rows,
            layers,
            pooling=self._pooling(encoder),
            batch_tokens=batch_tokens,
            language=language,
        )
        return list(vectors)

    def layers(self, encoder: Encoder) -> list[int]:
        """Numbers of the hidden layers that are probed.

        Raises:
            ConfigError: a layer that the encoder does not have.
        """
        layer = self.embedding.layer
        chosen = range(encoder.layers + 1) if layer == "all" else layer
        with section("embedding"):
            return layer_numbers(encoder, chosen)

    def tasks(self, pairs: PairsFolder | None = None) -> list[str]:
        """Names of the tasks that there are sentences for."""
        names = [task.name for task in self.plan(pairs).tasks]
        return list(dict.fromkeys(names))

    def passed_over(self, pairs: PairsFolder | None = None) -> PassedOver:
        """Languages with too few candidates, and rows that are left out."""
        return self.plan(pairs).passed_over

    def evaluate(
        self,
        embed_texts: EmbedTexts,
        pairs: PairsFolder | None,
        layer: int,
        pooling: str = "",
        tagged: bool = False,
    ) -> list[RetrievalRecord]:
        """As :meth:`run`, for any function from N texts to (N, D) vectors. Layer and pooling are
        recorded as those that made them; with ``tagged``, it is told the language of the texts.
        """
        plan = self.plan(pairs)
        self.require_tasks(plan, pairs)
        # The texts of a side are embedded once, for all tasks that have it.
        positions: defaultdict[Side, dict[str, int]] = defaultdict(dict)  # side → id → row
        for task in plan.tasks:
            for side in (task.source, task.target):
                for id_ in task.ids:
                    positions[side].setdefault(id_, len(positions[side]))
        texts: dict[Side, list[str]] = {}  # side → N texts
        vectors: dict[Side, np.ndarray | TokenVectors] = {}  # side → (N, D)
        total = sum(map(len, positions.values()))
        with Progress("probe", total, "sentences") as progress:
            for side, ids in positions.items():
                rows = plan.sentences[side.lang]
                noise = self.candidates.noisy
                texts[side] = [text_in_view(rows[id_], side.view, noise, self.seed) for id_ in ids]
                reached = progress.done + len(ids)
                vectors[side] = embed_texts(texts[side], **side.told(tagged))
                progress.advance_to(reached)
        identical = identical_shares(plan.sentences)
        records = []
        for task in plan.tasks:
            query_rows = [positions[task.source][id_] for id_ in task.ids]
            answer_rows = [positions[task.target][id_] for id_ in task.ids]
            queries = vectors[task.source][query_rows]  # (N, D)
            answers = vectors[task.target][answer_rows]  # (N, D)
            metrics = self._paired_metrics(task, queries, answers, identical=identical)
            settings = self.search
            with section("search"):
                result = search(
                    queries, answers, settings.depth, settings.similarity, index=settings.index
                )
            sentences = digest_of_sentences(
                task.ids,
                [texts[task.source][row] for row in query_rows],
                [texts[task.target][row] for row in answer_rows],
            )
            record = self._record(task, layer, result, metrics, sentences=sentences)
            records.append(replace(record, pooling=pooling or self.embedding.pooling))
        return records

    def _paired_metrics(
        self,
        task: Task,
        query_vectors: np.ndarray | TokenVectors,
        answer_vectors: np.ndarray | TokenVectors,
        *,
        identical: Mapping[str, float],
    ) -> dict[str, float]:
        metrics: dict[str, float] = {}
        if not self.metrics:
            return metrics
        queries, answers = _pooled(query_vectors), _pooled(answer_vectors)  # (N, D) each
        if STANDARD in self.metrics:
            metrics = standard_metrics(queries, answers, task.source, task.target)
            views = (task.source.view, task.target.view)
            if task.source.lang == task.target.lang and HUMAN not in views:
                metrics["identical"] = identical[task.language]
        metrics.update(custom_metrics(self.metrics, queries, answers))
        return metrics

    def _record(
        self,
        task: Task,
        layer: int,
        result: SearchResult,
        metrics: dict[str, float],
        sentences: str,
    ) -> RetrievalRecord:
        ranks = result.ranks
        if result.recall is not None:
            metrics["recall"] = result.recall
        return RetrievalRecord(
            language=task.language,
            task=task.name,
            source=task.source.lang,
            target=task.target.lang,
            source_view=task.source.view,
            target_view=task.target.view,
            layer=layer,
            pooling=self.embedding.pooling,
            similarity=self.search.similarity,
            metrics=metrics,
            sentences=sentences,
            outcomes=Outcomes(task.ids, ranks),
            **rank_scores(ranks, self.search.depth, self.seed),
        )


def _pooled(vectors: np.ndarray | TokenVectors) -> np.ndarray:
    """(N, D), which metrics of paired vectors are of: with MaxSim the means over tokens."""
    return vectors.means() if isinstance(vectors, TokenVectors) else vectors
