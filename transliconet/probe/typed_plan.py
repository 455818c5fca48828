"""The tasks of typed text: every view of a sentence looks for its native text and translation."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from transliconet.language_tag import LanguageTag
from transliconet.probe.passed_over import PassedOver
from transliconet.probe.settings import Candidates
from transliconet.probe.tasks import Row, Task, TaskPlan, TaskPlanner
from transliconet.probe.typed_text import TypedText, TypedTexts
from transliconet.probe.views import HUMAN
from transliconet.romanizers.base import Romanizer, romanize_line

Rows = dict[str, Row]
"""Id → row."""


class TypedPlanner:
    """Makes the tasks of :class:`transliconet.probe.typed.TypedProbe`.

    Args:
        candidates: which sentences are searched.
        pivot: tag of the translations.
        seed: of the choice among more than ``candidates.max`` sentences.
        romanize: makes the romanized view.
        human: whether the file has text that people typed.
    """

    def __init__(
        self,
        candidates: Candidates,
        pivot: LanguageTag,
        seed: int,
        romanize: Romanizer,
        human: bool = True,
    ) -> None:
        self.human = human
        self.candidates, self.pivot, self.romanize = candidates, str(pivot), romanize
        self.planner = TaskPlanner(candidates, [self.pivot], seed, human=human)

    def plan(self, texts: TypedTexts) -> TaskPlan:
        """The sentences and tasks, and what is left out of them."""
        left_out: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for tag, reasons in texts.left_out.items():
            left_out[tag].update(reasons)
        rows: defaultdict[str, Rows] = defaultdict(dict)
        translations: Rows = {}
        for text in texts.texts:
            tag = str(text.lang)
            row = self._row(text)
            if text.native and not row["romanized"]:
                left_out[tag]["empty_romanization"] += 1
                continue
            if row["identical"] and self.candidates.unchanged == "skip":
                left_out[tag]["unchanged_by_romanizer"] += 1
            rows[tag][row["id"]] = row
            if text.pivot and tag != self.pivot:
                translations[row["id"]] = _translation(text.pivot)
        tasks: list[Task] = []
        for tag, of_language in sorted(rows.items()):
            tasks += self._tasks(tag, of_language, translations)
        # ids begin with the language, so that the pivot may be one of the file's languages
        if translations:
            rows[self.pivot].update(translations)
        counts = {tag: dict(sorted(left_out[tag].items())) for tag in sorted(left_out)}
        return TaskPlan(dict(rows), tasks, PassedOver(self.planner.too_few, left_out=counts))

    def _row(self, text: TypedText) -> Row:
        """A row as the planner of other probes reads it, with what people typed."""
        tag = str(text.lang)
        romanized = ""
        if text.native:
            romanized = romanize_line(self.romanize, text.native, tag)[0].strip()
        return {
            # of its content: another order of the file chooses the same sentences
            "id": f"{tag} {text.native or text.human}",
            "lang": tag,
            "text": text.native,
            "romanized": romanized,
            HUMAN: text.human,
            "identical": bool(text.native) and romanized == text.native,
        }

    def _tasks(self, tag: str, rows: Rows, translations: Rows) -> Iterator[Task]:
        complete = {id_: row for id_, row in rows.items() if row["text"]}
        yield from self.planner.within_language(tag, complete)
        translated = rows.keys() & translations.keys()
        if not translated:
            return
        views = None
        if self.human and len(complete.keys() & translated) < self.candidates.min:
            # too few have a native text; what people typed finds its translation without it
            complete, views = rows, [HUMAN]
        sentences: Mapping[str, Rows] = {tag: complete, self.pivot: translations}
        yield from self.planner.across(tag, self.pivot, sentences, views)


def _translation(text: str) -> Row:
    """The pivot's side of a row; it is searched in one view."""
    return {"text": text, "romanized": text, "identical": True}
