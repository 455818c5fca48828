"""Which queries look for which documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from transliconet.documents.collection import Collection
from transliconet.documents.views import DOCUMENTS, HALF, QueryViews
from transliconet.probe.passed_over import PassedOver, TooFew
from transliconet.probe.settings import Candidates
from transliconet.probe.tasks import Task, TaskPlan
from transliconet.probe.views import HUMAN, NATIVE, NOISY, ROMANIZED, Side
from transliconet.romanizers.base import Romanizer

VIEWS = (NATIVE, ROMANIZED, NOISY, HALF, HUMAN)
"""Views of queries, in the order of their tasks."""


@dataclass(frozen=True, kw_only=True)
class DocumentPlan(TaskPlan):
    """The tasks of a probe of documents.

    Args:
        collections: tag → collection.
        views: tag → its queries in every view.
    """

    collections: Mapping[str, Collection] = field(default_factory=dict)
    views: Mapping[str, QueryViews] = field(default_factory=dict)

    @property
    def number_of_texts(self) -> int:
        """Documents, and queries in all views."""
        queries = sum(len(task.ids) for task in self.tasks)
        searched = {task.language for task in self.tasks}
        return queries + sum(len(self.collections[tag].documents) for tag in searched)


@dataclass(frozen=True)
class DocumentPlanner:
    """Makes the tasks of :class:`transliconet.documents.probe.DocumentProbe`.

    Args:
        candidates: how many queries, and their noise.
        max_documents: at most so many of a language; None takes all.
        romanize: makes the romanized view.
        seed: of the choice, the noise, and the words that are romanized.
    """

    candidates: Candidates
    max_documents: int | None
    romanize: Romanizer
    seed: int

    def plan(self, collections: Sequence[Collection]) -> DocumentPlan:
        """A task for each language and view with enough queries; the others are noted."""
        kept: dict[str, Collection] = {}
        views: dict[str, QueryViews] = {}
        tasks: list[Task] = []
        too_few: list[TooFew] = []
        left_out: dict[str, dict[str, int]] = {}
        for whole in collections:
            tag = whole.language
            chosen = whole.limited(self.candidates.max, self.max_documents, self.seed)
            queries = QueryViews.from_collection(
                chosen, self.romanize, self.candidates.noisy, self.seed
            )
            kept[tag], views[tag] = chosen, queries
            if reasons := {**chosen.left_out, **queries.left_out}:
                left_out[tag] = reasons
            for view in VIEWS:
                name, ids = f"{view}→{DOCUMENTS}", list(queries.texts.get(view, {}))
                if len(ids) >= self.candidates.min:
                    tasks.append(Task(tag, name, Side(tag, view), Side(tag, NATIVE), ids=ids))
                elif ids or view == NATIVE:
                    too_few.append(TooFew(tag, name, len(ids), self.candidates.min))
        passed_over = PassedOver(too_few, left_out=left_out)
        return DocumentPlan({}, tasks, passed_over, collections=kept, views=views)
