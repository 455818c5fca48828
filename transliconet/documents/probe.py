"""The probe of documents: they are in their own script, and queries come in any."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from transliconet.documents.beir import BeirFolder
from transliconet.documents.collection import CollectionSource
from transliconet.documents.metrics import chance_levels
from transliconet.documents.plan import DocumentPlan, DocumentPlanner
from transliconet.documents.scores import QueryScores, documents_to_search
from transliconet.documents.search import DocumentIndex, require_similarity
from transliconet.documents.territories import CldrTerritories
from transliconet.documents.views import HALF, QueryViews
from transliconet.errors import DataError, Option, require_range, section
from transliconet.pairs import PairsFolder
from transliconet.probe.base import EmbedTexts, Probe
from transliconet.probe.outcomes import digest_of_sentences
from transliconet.probe.record import (
    NDCG,
    RECALL,
    RetrievalRecord,
    rank_scores,
)
from transliconet.probe.results import pairs_data
from transliconet.probe.settings import Candidates, Search
from transliconet.probe.shareable import path_name, without_paths
from transliconet.probe.tasks import Task, TaskPlan
from transliconet.probe.views import NATIVE
from transliconet.progress import Progress
from transliconet.romanizers.base import Romanizer, check_romanizer, describe_romanizer
from transliconet.romanizers.registry import romanizer as romanizer_of
from transliconet.tokens.noise import Augment


@dataclass(frozen=True, kw_only=True)
class DocumentProbe(Probe):
    """Retrieval of documents in their own script by queries in any (arXiv 2505.08411).

    The documents of each language are indexed once, as they are written. The same queries look for
    them in every view: native, romanized, with noise as people type it (``candidates.noisy``), with
    half of their words romanized, and as people did type them where the collection says so.

    Args:
        path: folder in BEIR's layout, or of one such folder a language, see
            :mod:`transliconet.documents.beir`; a
            :class:`transliconet.documents.collection.CollectionSource` of your own; or None for
            territories of CLDR (:mod:`transliconet.documents.territories`).
        split: name of the file of judgments.
        lang, human, tags: see :class:`transliconet.documents.beir.BeirFolder`.
        languages: tags to probe; None takes all.
        romanizer: of the romanized view: see
            :func:`transliconet.romanizers.registry.romanizer`, or a romanizer of your own.
        max_documents: at most so many, those that are relevant to a query first; None takes all.
        document_prompt: put before each document, or the name of one of the checkpoint's prompts;
            None: that of the queries.
        candidates: how many queries, and their noise; ``unchanged`` and ``pivot_views`` have no
            meaning here.
        embedding, search, seed: see :class:`transliconet.probe.base.Probe`.

    Example::

        probe = DocumentProbe(path="miracl/hi", lang="hin_Deva", split="dev")
        records = probe.run(encoder)
    """

    path: str | Path | CollectionSource | None = None
    split: str = "test"
    lang: str | None = None
    human: str | None = None
    tags: Mapping[str, str] | str | None = None
    languages: Sequence[str] | None = None
    romanizer: str | Mapping[str, str] | Romanizer = "uroman"
    max_documents: int | None = None
    document_prompt: str | None = None
    candidates: Candidates = field(
        default_factory=lambda: Candidates(max=None, noisy=Augment(typed=1.0))
    )
    search: Search = field(default_factory=lambda: Search(depth=10))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_documents is not None:
            require_range("max_documents", self.max_documents, least=1)
        with section("search"):
            require_similarity(self.search)
        # a file or romanizer that is not there is told now, not after an hour of training
        self._source  # noqa: B018
        self._romanize  # noqa: B018

    @cached_property
    def _source(self) -> CollectionSource:
        if self.path is None:
            return CldrTerritories()
        if isinstance(self.path, str | Path):
            return BeirFolder(
                self.path, self.split, lang=self.lang, human=self.human, tags=self.tags
            )
        return self.path

    @cached_property
    def _romanize(self) -> Romanizer:
        if isinstance(self.romanizer, str | Mapping):
            return romanizer_of(self.romanizer)
        return check_romanizer(self.romanizer, Option("romanizer", self.romanizer))

    @cached_property
    def _plan(self) -> DocumentPlan:
        planner = DocumentPlanner(self.candidates, self.max_documents, self._romanize, self.seed)
        return planner.plan(self._source.read(self.languages))

    def plan(self, pairs: PairsFolder | None) -> "DocumentPlan":
        """The collections and tasks of the probe; ``pairs`` is not read.

        Raises:
            ConfigError: a language that there is no collection of.
        """
        return self._plan

    def without_metrics(self) -> Self:
        """See :meth:`transliconet.probe.base.Probe.without_metrics`."""
        self._plan  # noqa: B018  everything is read and romanized once, for both
        return super().without_metrics()

    def require_tasks(self, plan: TaskPlan, pairs: PairsFolder | None) -> None:
        """See :meth:`transliconet.probe.base.Probe.require_tasks`.

        Raises:
            DataError: no language has enough queries.
        """
        if plan.tasks:
            return
        problems = [line.rstrip(".") for line in plan.passed_over.lines()]
        raise DataError(
            Option("path", self.path),
            f"no language has {self.candidates.min} queries ({'; '.join(problems[:5])})",
            "Give more queries with relevant documents, or lower candidates.min",
            code="TLN-DATA-644",
        )

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for results files."""
        values = super().settings()
        values["path"] = self._path_name()
        if not isinstance(self.romanizer, str | Mapping):
            values["romanizer"] = describe_romanizer(self._romanize)
        return values

    def _path_name(self) -> str | None:
        """What was given as the path; the class of a source of your own."""
        if self.path is None or isinstance(self.path, str | Path):
            return None if self.path is None else path_name(str(self.path))
        return type(self.path).__name__

    def data(self, pairs: PairsFolder | None) -> dict[str, object]:
        """The collections with their sizes, and the romanizer, under ``probe``; beside the pairs
        folder, where there is one.
        """
        sizes = {}
        for tag, collection in self._plan.collections.items():
            judged = sum(len(grades) for grades in collection.relevant.values())
            sizes[tag] = {
                "documents": len(collection.documents),
                "queries": len(collection.queries),
                "relevant": judged,
            }
        probed = {
            "path": self._path_name(),
            "rows": sum(size["documents"] for size in sizes.values()),
            "collections": sizes,
            "sources": without_paths(self._source.sources()),
            "romanizer": describe_romanizer(self._romanize),
        }
        about_pairs = pairs_data(pairs) if pairs is not None else {}
        return {**about_pairs, "probe": probed}

    def evaluate(
        self,
        embed_texts: EmbedTexts,
        pairs: PairsFolder | None,
        layer: int,
        pooling: str = "",
        tagged: bool = False,
    ) -> list[RetrievalRecord]:
        """See :meth:`transliconet.probe.base.Probe.evaluate`."""
        plan = self.plan(pairs)
        self.require_tasks(plan, pairs)
        how = partial(
            RetrievalRecord,
            layer=layer,
            pooling=pooling or self.embedding.pooling,
            similarity=self.search.similarity,
        )
        records: list[RetrievalRecord] = []
        with Progress("probe", plan.number_of_texts, "texts"):
            for tag in plan.collections:
                tasks = [task for task in plan.tasks if task.language == tag]
                if tasks:
                    records += self._evaluate_language(embed_texts, plan, tasks, how, tagged=tagged)
        return records

    def _evaluate_language(
        self,
        embed_texts: EmbedTexts,
        plan: DocumentPlan,
        tasks: Sequence[Task],
        how: Callable[..., RetrievalRecord],
        tagged: bool,
    ) -> list[RetrievalRecord]:
        """Index the documents of a language once, and search them in every view."""
        collection, views = plan.collections[tasks[0].language], plan.views[tasks[0].language]
        contents = list(collection.documents.values())
        of_documents: dict[str, Any] = {**tasks[0].target.told(tagged)}
        if self.document_prompt is not None:
            of_documents["prompt"] = self.document_prompt
        index = DocumentIndex(embed_texts(contents, **of_documents), self.search.index)
        digest = collection.digest()
        native: QueryScores | None = None
        records = []
        for task in tasks:
            texts = [views.texts[task.source.view][id_] for id_ in task.ids]
            relevant, judged = collection.grades(task.ids)
            most = documents_to_search(self.search.depth, judged)
            scores = QueryScores.from_best(
                task.ids,
                index.search(embed_texts(texts, **task.source.told(tagged)), most),
                relevant=relevant,
                judged=judged,
                depth=self.search.depth,
            )
            metrics = self._metrics(task, views, scores, native)
            if task.source.view == NATIVE:
                native = scores
            answers = [f"{digest} {sorted(collection.relevant[id_].items())}" for id_ in task.ids]
            records.append(
                how(
                    **rank_scores(scores.ranks, self.search.depth, self.seed),
                    metrics=metrics,
                    outcomes=scores.outcomes,
                    language=task.language,
                    task=task.name,
                    source=task.source.lang,
                    source_view=task.source.view,
                    target=task.target.lang,
                    target_view=task.target.view,
                    sentences=digest_of_sentences(task.ids, texts, answers),
                    documents=len(contents),
                    chance_levels=chance_levels(judged, len(contents), self.search.depth),
                )
            )
        return records

    def _metrics(
        self, task: Task, views: QueryViews, scores: QueryScores, native: QueryScores | None
    ) -> dict[str, float]:
        """Of a record: its means, their shares of those of native queries, and how many queries a
        view leaves as they are.
        """
        means = scores.means()
        metrics = {NDCG: means[NDCG], RECALL: means[RECALL]}
        view, own = task.source.view, views.texts[NATIVE]
        if view != NATIVE:
            texts = views.texts[view]
            same = [texts[id_] == own[id_] for id_ in task.ids]
            metrics["identical"] = float(np.mean(same))
        if view == HALF:
            metrics["halved"] = views.halved
        if native is not None:
            metrics.update(scores.relative_to(native))
        return metrics
