"""The probe of text as people type it: does what people romanized by hand find the native text, and
its translation?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from transliconet.corpus.sources.files import describe
from transliconet.errors import ConfigError, DataError, Option, require_range
from transliconet.language_tag import LanguageTag
from transliconet.pairs import PairsFolder
from transliconet.probe.base import Probe
from transliconet.probe.results import pairs_data
from transliconet.probe.shareable import path_name, without_paths
from transliconet.probe.tasks import TaskPlan
from transliconet.probe.typed_plan import TypedPlanner
from transliconet.probe.typed_text import TypedColumns, TypedFile, TypedTexts
from transliconet.romanizers.base import Romanizer, check_romanizer, describe_romanizer
from transliconet.romanizers.registry import romanizer as romanizer_of

MOST_LINES = 5
"""Most reasons that an error lists."""


@dataclass(frozen=True, kw_only=True)
class TypedProbe(Probe):
    """Retrieval from and to text that people romanized by hand, beside a romanizer's output and,
    if ``candidates.noisy`` asks for it, that output misspelled.

    Within a language, native text is searched from each of these views and back, on the same
    sentences. With translations, each view is also searched for in the pivot, and back. A language
    whose rows have no native text is searched from typed text to the pivot, and back. Translations
    alone, without typed text (``columns.romanized`` None), are probed, too: this is SR-T.

    Args:
        path: Parquet, JSON lines, CSV or TSV, told apart by the suffix; compressed or not.
        columns: which column holds what.
        lang: tag of every row; None takes it from ``columns.lang``.
        tags: what the file's names of languages mean, see
            :class:`transliconet.language_tag.LanguageNames`.
        languages: tags to probe; None takes all.
        pivot: tag of the translations in ``columns.pivot``.
        romanizer: of the romanized view: see
            :func:`transliconet.romanizers.registry.romanizer`, or a romanizer of your own.
        min_words: leave out rows in which people typed fewer words.
        candidates, embedding, search, metrics, seed: see :class:`transliconet.probe.base.Probe`.

    Example::

        probe = TypedProbe(path="typed.csv", columns=TypedColumns(pivot="english"))
        records = probe.run(encoder)
    """

    path: str | Path
    columns: TypedColumns = field(default_factory=TypedColumns)
    lang: str | None = None
    tags: Mapping[str, str] | str | None = None
    languages: Sequence[str] | None = None
    pivot: str = "eng_Latn"
    romanizer: str | Mapping[str, str] | Romanizer = "uroman"
    min_words: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("min_words", self.min_words, least=1)
        # a file or romanizer that is not there is told now, not after an hour of training
        self._file  # noqa: B018
        self._romanize  # noqa: B018

    @cached_property
    def _file(self) -> TypedFile:
        return TypedFile(self.path, self.columns, lang=self.lang, pivot=self.pivot, tags=self.tags)

    @cached_property
    def _romanize(self) -> Romanizer:
        if isinstance(self.romanizer, str | Mapping):
            return romanizer_of(self.romanizer)
        return check_romanizer(self.romanizer, Option("romanizer", self.romanizer))

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for results files."""
        values = super().settings()
        values["path"] = str(self.path)
        if not isinstance(self.romanizer, str | Mapping):
            values["romanizer"] = describe_romanizer(self._romanize)
        return values

    def data(self, pairs: PairsFolder | None) -> dict[str, object]:
        """The file with its digest and number of rows, and the romanizer, under ``probe``; beside
        the pairs folder, where there is one.
        """
        probed = {
            "path": path_name(str(self.path)),
            "rows": self._content.rows,
            "sources": without_paths(describe([self._file.path])),
            "romanizer": describe_romanizer(self._romanize),
        }
        about_pairs = pairs_data(pairs) if pairs is not None else {}
        return {**about_pairs, "probe": probed}

    def plan(self, pairs: PairsFolder | None) -> TaskPlan:
        """The sentences and tasks of the probe; ``pairs`` is not read.

        Raises:
            ConfigError: a language that the file does not have.
        """
        return self._plan

    def without_metrics(self) -> Self:
        """See :meth:`transliconet.probe.base.Probe.without_metrics`."""
        self._plan  # noqa: B018  the file is read and romanized once, for both
        return super().without_metrics()

    def require_tasks(self, plan: TaskPlan, pairs: PairsFolder | None) -> None:
        """See :meth:`transliconet.probe.base.Probe.require_tasks`.

        Raises:
            DataError: no task has enough candidates, or with translations none between two
                languages.
        """
        across = [task for task in plan.tasks if task.source.lang != task.target.lang]
        if plan.tasks and (across or self.columns.pivot is None):
            return
        missing = "task with the pivot" if plan.tasks else "task"
        left_out = [line.rstrip(".") for line in plan.passed_over.lines()[:MOST_LINES]]
        lines = [f"{self._content.rows} rows read", *left_out]
        raise DataError(
            Option("path", self.path),
            f"no {missing} has {self.candidates.min} candidates ({'; '.join(lines)})",
            "Give more rows, or lower candidates.min",
            code="TLN-DATA-612",
        )

    @cached_property
    def _content(self) -> TypedTexts:
        """The file, restricted to the languages that are asked for.

        Raises:
            ConfigError: the file does not have one of them.
        """
        content = self._file.read(self.min_words)
        if self.languages is None:
            return content
        given = Option("languages", list(self.languages))
        wanted = {str(LanguageTag.parse(tag, given)) for tag in self.languages}
        present = {str(text.lang) for text in content.texts}
        if absent := sorted(wanted - present - content.left_out.keys()):
            raise ConfigError(
                given,
                f"no row of {', '.join(absent)}",
                f"The file has {', '.join(sorted(present)) or 'no row that can be used'}",
                code="TLN-CONFIG-612",
            )
        return content.of_languages(wanted)

    @cached_property
    def _plan(self) -> TaskPlan:
        planner = TypedPlanner(
            self.candidates,
            self._file.pivot,
            self.seed,
            romanize=self._romanize,
            human=self.columns.romanized is not None,
        )
        return planner.plan(self._content)
