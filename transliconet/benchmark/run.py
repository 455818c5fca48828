"""An encoder on tasks of MTEB, native and romanized."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transliconet.downstream.labelled import LabelledSplits
from transliconet.errors import ConfigError, DataError, Option, first_line, require_choice
from transliconet.model.encoder import Encoder
from transliconet.probe.settings import Embedding
from transliconet.probe.views import NATIVE, ROMANIZED
from transliconet.romanizers.registry import romanizer as romanizer_of

VIEWS = (NATIVE, ROMANIZED)


@dataclass(frozen=True)
class MtebSettings:
    """What is measured.

    Args:
        tasks: names of MTEB's tasks, which are downloaded where they are not cached, or paths of
            classes of your own (``my_module.MyTask``); empty: the local task alone.
        languages: as MTEB writes them, ``hin`` or ``hin-Deva``; None takes all.
        views: ``native``, ``romanized`` or both.
        romanizer: of the romanized view: a name, ``best``, or by language.
        document_prompt: put before documents, or the name of one of the checkpoint's prompts; None:
            that of all texts.
        embedding: how a text becomes a vector; one layer.
    """

    tasks: Sequence[str] = ()
    languages: Sequence[str] | None = None
    views: Sequence[str] = VIEWS
    romanizer: str | Mapping[str, str] = "uroman"
    document_prompt: str | None = None
    embedding: Embedding = field(default_factory=Embedding)

    def __post_init__(self) -> None:
        for view in self.views:
            require_choice("views", view, VIEWS)
        if not self.views:
            raise ConfigError(
                Option("views", list(self.views)),
                "nothing to measure",
                f"Give one or both of: {', '.join(VIEWS)}",
                code="TLN-CONFIG-680",
            )


@dataclass(frozen=True)
class MtebScore:
    """The main score of one subset of a task in one view.

    Args:
        task: its name.
        subset, split: of its data.
        languages: as MTEB writes them.
        view: ``native`` or ``romanized``.
        metric: name of the main score.
        score: its value, in 0 … 1 for most metrics.
    """

    task: str
    subset: str
    split: str
    languages: tuple[str, ...]
    view: str
    metric: str
    score: float

    def as_dict(self) -> dict[str, object]:
        """The record as results files hold it."""
        return {**asdict(self), "languages": list(self.languages)}


@dataclass(frozen=True)
class MtebResult:
    """What MTEB has measured.

    Args:
        scores: one for each task, subset, split and view.
        left_out: of the local task, tag → reason → number of texts.
    """

    scores: list[MtebScore]
    left_out: dict[str, dict[str, int]]


def run_mteb(
    encoder: Encoder,
    settings: MtebSettings,
    folder: Path,
    local: tuple[str, LabelledSplits] | None = None,
) -> MtebResult:
    """Run tasks of MTEB in every view, and leave its own files.

    Args:
        encoder: the model; it is not changed.
        settings: what is measured.
        folder: MTEB writes ``results/MODEL/VIEW/TASK.json`` there, as it does for every model.
        local: name and texts of a classification task that needs no download.

    Raises:
        ConfigError: MTEB is not installed, or has no such task.
        DataError: a task cannot be loaded or run.
    """
    if find_spec("mteb") is None:
        raise ConfigError(
            "transliconet mteb",
            "the package mteb is not installed",
            "pip install -e '.[mteb]' in a checkout",
            code="TLN-CONFIG-681",
        )
    import mteb

    logging.getLogger("mteb").setLevel(logging.WARNING)  # it tells every step of every experiment

    from transliconet.benchmark.encoder import MtebEncoder
    from transliconet.benchmark.local import local_classification

    tasks = [_task(name, settings.languages) for name in settings.tasks]
    left_out: dict[str, dict[str, int]] = {}
    if local is not None:
        task, left_out = local_classification(*local, languages=settings.languages)
        tasks.append(task)
    romanize = romanizer_of(settings.romanizer)
    scores: list[MtebScore] = []
    for view in settings.views:
        model = MtebEncoder(
            encoder, view, romanize, settings.embedding, document_prompt=settings.document_prompt
        )
        for task in tasks:
            scores += _evaluate(mteb, model, task, folder, view=view)
    return MtebResult(scores, left_out)


def _task(name: str, languages: Sequence[str] | None) -> Any:
    """A task of MTEB by its name, or of your own by the path of its class."""
    import mteb

    module, _, of_module = name.rpartition(".")
    try:
        if module:
            return getattr(import_module(module), of_module)()
        return mteb.get_task(name, languages=list(languages) if languages else None)
    except (KeyError, ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            Option("tasks", name),
            f"no such task ({first_line(error)})",
            "Give a name of mteb.get_tasks(), or the path of a class: my_module.MyTask",
            code="TLN-CONFIG-682",
        ) from error


def _evaluate(mteb: Any, model: Any, task: Any, folder: Path, *, view: str) -> list[MtebScore]:
    name = task.metadata.name
    try:
        result = mteb.evaluate(
            model,
            task,
            co2_tracker=False,
            cache=mteb.ResultCache(folder),
            overwrite_strategy="always",
            show_progress_bar=False,
        )
    # the hub, its datasets and the task's own code may raise anything: it becomes one message
    except Exception as error:
        raise DataError(
            name,
            f"cannot be loaded or run ({type(error).__name__}: {first_line(error)})",
            "Check the network, or load it once where there is one; it is then cached",
            code="TLN-DATA-681",
        ) from error
    scores = []
    for task_result in result.task_results:
        for split, of_split in task_result.scores.items():
            for entry in of_split:
                scores.append(
                    MtebScore(
                        task=name,
                        subset=entry["hf_subset"],
                        split=split,
                        languages=tuple(entry["languages"]),
                        view=view,
                        metric=task.metadata.main_score,
                        score=float(entry["main_score"]),
                    )
                )
    return scores
