"""The retrieval probe: does a sentence find its romanization, and do both find their
translation?
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.errors import ConfigError, DataError, Option, require_choice
from transliconet.pairs import SPLITS, PairsFolder
from transliconet.probe.base import Probe
from transliconet.probe.passed_over import PassedOver, TooFew
from transliconet.probe.results import pairs_data
from transliconet.probe.sample import Sample
from transliconet.probe.tasks import TaskPlan, TaskPlanner, read_sentences


@dataclass(frozen=True, kw_only=True)
class RetrievalProbe(Probe):
    """Retrieval accuracy between scripts and languages, on the sentences of a pairs folder.

    Every language is searched from native to romanized text and back. With pivots, every other
    language in each view is also searched for in the pivot, and back. The candidates of a task are
    all its answers.

    Args:
        split: split of the pairs folder: ``heldout``, ``train`` or ``all``.
        languages: tags; None takes every language of the split.
        pivots: tags to retrieve translations in, e.g. ``[eng_Latn]``. The same id must mean the
            same thing in every language.
        candidates, embedding, search, metrics, seed: see :class:`transliconet.probe.base.Probe`.

    Example::

        probe = RetrievalProbe(pivots=["eng_Latn"], embedding=Embedding(layer=8))
        records = probe.run(encoder, pairs)
    """

    split: str = "heldout"
    languages: Sequence[str] | None = None
    pivots: Sequence[str] = ()

    def __post_init__(self) -> None:
        require_choice("split", self.split, SPLITS)
        super().__post_init__()

    def plan(self, pairs: PairsFolder | None) -> TaskPlan:
        """The sentences and tasks of the probe, without embedding anything.

        Raises:
            ConfigError: there is no pairs folder, or a language or pivot has no rows in the split.
        """
        pairs = _required(pairs)
        languages = None
        if self.languages is not None:
            languages = list(dict.fromkeys([*self.languages, *self.pivots]))
        sentences, duplicate_ids = read_sentences(pairs, self.split, languages)
        for pivot in self.pivots:
            if pivot not in sentences:
                raise ConfigError(
                    Option("pivots", list(self.pivots)),
                    f"{pivot} has no rows in split={self.split}",
                    "Choose another pivot",
                    code="TLN-CONFIG-600",
                )
        planner = TaskPlanner(self.candidates, self.pivots, self.seed)
        tasks = list(planner.tasks(sentences))
        too_few = planner.too_few
        for tag in languages or sorted(pairs.manifest["languages"]):
            if tag not in sentences:
                too_few.append(TooFew(tag, "native ↔ romanized", 0, self.candidates.min))
        return TaskPlan(sentences, tasks, PassedOver(too_few, duplicate_ids))

    def require_tasks(self, plan: TaskPlan, pairs: PairsFolder | None) -> None:
        """See :meth:`transliconet.probe.base.Probe.require_tasks`.

        Raises:
            DataError: no task has enough candidates, or with pivots none between two languages.
        """
        if not plan.tasks:
            sizes = {tag: len(rows) for tag, rows in plan.sentences.items()}
            raise DataError(
                f"split={self.split} of {_required(pairs).path}",
                f"no task has {self.candidates.min} candidates (rows: {sizes})",
                "Hold out more text in prepare, or lower candidates.min of the probe",
                code="TLN-DATA-606",
            )
        across = [task for task in plan.tasks if task.source.lang != task.target.lang]
        if self.pivots and not across:
            languages = ", ".join(plan.sentences)
            raise DataError(
                Option("pivots", list(self.pivots)),
                f"no other language of {languages} shares {self.candidates.min} ids with one",
                "Give parallel text, in which equal ids mean the same, or lower candidates.min",
                code="TLN-DATA-607",
            )

    def data(self, pairs: PairsFolder | None) -> dict[str, object]:
        """The pairs folder: its name, number of rows and sources."""
        return pairs_data(_required(pairs))

    def sample(self, pairs: PairsFolder) -> Sample:
        """Sentences of the probe's languages and split."""
        return Sample.draw(pairs, self.languages, self.split)


def _required(pairs: PairsFolder | None) -> PairsFolder:
    if pairs is None:
        raise ConfigError(
            Option("pairs", None),
            "this probe takes its sentences from a pairs folder",
            "Give one, or take probe=typed, which reads a file",
            code="TLN-CONFIG-610",
        )
    return pairs
