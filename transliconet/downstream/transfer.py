"""Train a head on some languages, test it in all of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Protocol

from transliconet.downstream.evaluation import EvaluationSet, evaluation_sets
from transliconet.downstream.head import FittedHead, Head, Items, TrainingData, are_sentences
from transliconet.downstream.labelled import (
    DEV,
    ENTITY_F1,
    TEST,
    TRAIN,
    LabelledItem,
    LabelledSplits,
)
from transliconet.downstream.linear import LinearHead
from transliconet.downstream.record import Scores, TransferRecord
from transliconet.downstream.shots import draw_shots
from transliconet.errors import ConfigError, Option, require_range
from transliconet.language_tag import LanguageTag
from transliconet.model.encoder import Encoder
from transliconet.probe.outcomes import digest_of_sentences
from transliconet.romanizers.registry import romanizer as romanizer_of
from transliconet.tokens.word_positions import NOWHERE, tokenize_words

log = logging.getLogger(__name__)


class Task(Protocol):
    """Labelled items: :class:`transliconet.downstream.tables.LabelledTables`,
    :class:`transliconet.downstream.tagged.TaggedSentences`, or a class of your own.
    """

    def read(self) -> LabelledSplits[Any]:
        """Read the items of all splits."""
        ...


@dataclass(frozen=True)
class TransferSettings:
    """How a task is trained and tested.

    Args:
        name: of the task, in results.
        train_languages: tags whose train split is trained on, and whose dev split selects.
        languages: tags to test; None takes all that the test split has.
        romanizer: of the romanized view: a name, ``best``, or by language.
        head: what is trained: :class:`transliconet.downstream.linear.LinearHead` or
            :class:`transliconet.downstream.finetune.FineTuning`.
        shots: examples of each class (of sentences with labels for words: sentences) from the train
            split of the tested language, which are trained on, too; there is then a head for each
            language. 0: zero-shot transfer.

    Raises:
        ConfigError: ``shots`` is negative.
    """

    name: str = "task"
    train_languages: Sequence[str] = ("eng_Latn",)
    languages: Sequence[str] | None = None
    romanizer: str | Mapping[str, str] = "uroman"
    head: Head = field(default_factory=LinearHead)
    shots: int = 0

    def __post_init__(self) -> None:
        require_range("shots", self.shots, least=0)


@dataclass(frozen=True)
class TransferResult:
    """What a task has shown.

    Args:
        records: one for each language, view and seed.
        heads: what the dev split selected in each fit, with its seed and language (of heads with
            shots).
        left_out: tag → reason → number of rows that could not be used.
        sources: what was read.
    """

    records: list[TransferRecord]
    heads: list[dict[str, Any]]
    left_out: dict[str, dict[str, int]]
    sources: list[dict[str, object]]

    def as_content(self) -> dict[str, Any]:
        """What results files hold of it, but for the outcome of each item."""
        return {
            "transfer": [record.as_dict() for record in self.records],
            "heads": self.heads,
            "left_out": self.left_out,
        }

    def mean(self, view: str) -> float | None:
        """The mean over languages and seeds of the accuracy in a view, of entities their F1; None
        where nothing has that view.
        """
        scores = []
        for record in self.records:
            if record.view == view:
                f1 = record.entity_f1
                scores.append(record.accuracy if f1 is None else f1)
        return fmean(scores) if scores else None


def transfer(
    encoder: Encoder, task: Task, settings: TransferSettings | None = None
) -> TransferResult:
    """Train a head on some languages, and test it in all of them.

    This is zero-shot cross-lingual transfer (Conneau et al., 2018, "XNLI"): what a head that knows
    English makes of the same task in other languages and scripts.

    Args:
        encoder: the model; it is not changed.
        task: the labelled texts or sentences.
        settings: how it is trained and tested.

    Returns:
        A record for each language, view and seed.

    Raises:
        ConfigError: a language that the task does not have.
        DataError: an id of the test split is in another split, too.

    Example::

        task = LabelledTables("sib200.parquet")
        result = transfer(encoder, task)
    """
    settings = settings or TransferSettings()
    data = task.read().without_leaks()
    train_tags = _tags("train_languages", settings.train_languages)
    lesson = TrainingData(
        train=_of_languages(data, TRAIN, train_tags),
        dev=[item for item in data.texts[DEV] if item.lang in train_tags],
        metric=data.metric,
    )
    tested = data.texts[TEST]
    if settings.languages is not None:
        tested = _of_languages(data, TEST, _tags("languages", settings.languages))
    parts = evaluation_sets(tested, romanizer_of(settings.romanizer))
    if settings.shots:
        wanted = {LanguageTag.parse(part.language) for part in parts}
        _of_languages(data, TRAIN, wanted)  # refuse a language without examples before any fit
    layer, pooling = settings.head.layer_and_pooling(encoder)
    shared: dict[str, Any] = {
        "task": settings.name,
        "train_languages": tuple(sorted(map(str, train_tags))),
        "head": settings.head.name,
        "shots": settings.shots,
        "layer": layer,
        "pooling": "" if are_sentences(lesson.train) else pooling,
    }
    records, heads = [], []
    for seed in settings.head.seeds:
        known: dict[str, FittedHead] = {}  # language of the shots → head
        for part in parts:
            tag = LanguageTag.parse(part.language)
            of_head, shots = "", []
            if settings.shots and tag not in train_tags:
                of_head = part.language
                shots = draw_shots(data.texts[TRAIN], tag, settings.shots)
            if of_head not in known:
                log.info("%s: a head for %d items", settings.name, len(lesson.train) + len(shots))
                enlarged = TrainingData([*lesson.train, *shots], lesson.dev, lesson.metric)
                known[of_head] = settings.head.fit(encoder, enlarged, seed)
                heads.append({"seed": seed, "language": of_head, **known[of_head].selected})
            log.info("%s, %s: %d items", part.language, part.view, len(part.items))
            scored = _score(known[of_head], part, encoder, kind=_kind(lesson))
            records.append(
                TransferRecord(
                    language=part.language, view=part.view, seed=seed, **shared, **scored
                )
            )
    return TransferResult(records, heads, data.left_out, data.sources)


def _kind(data: TrainingData) -> str:
    """What is scored: ``texts``, ``words`` or ``entities``."""
    if not are_sentences(data.train):
        return "texts"
    return "entities" if data.metric == ENTITY_F1 else "words"


def _score(head: FittedHead, part: EvaluationSet, encoder: Encoder, kind: str) -> dict[str, Any]:
    """The scores of a head in a language and view, as arguments of a record."""
    labels = [item.labels for item in part.items]
    ids = [item.id for item in part.items]
    scores = Scores.from_predictions(head.predict(part.items), labels, ids, kind=kind)
    texts = [item.text for item in part.items]
    contents = [" ".join(item) for item in labels]
    more: dict[str, Any] = {"texts": digest_of_sentences(ids, texts, contents)}
    if kind != "texts":
        more["words_without_subword"] = _without_subword(encoder, part.items, head.max_length)
    return {**vars(scores), **more}


def _without_subword(encoder: Encoder, items: Items, max_length: int | None) -> int:
    """Number of words that the encoder does not see."""
    words = [item.words for item in items]  # type: ignore[attr-defined]
    limit = encoder.length_limit(max_length)
    tokens = tokenize_words(encoder.tokenizer, words, limit, encoder.prompt)
    return sum(int((first == NOWHERE).sum()) for first in tokens.first)


def _tags(option: str, written: Sequence[str]) -> set[LanguageTag]:
    given = Option(option, list(written))
    return {LanguageTag.parse(tag, given) for tag in written}


def _of_languages(
    data: LabelledSplits[Any], split: str, tags: set[LanguageTag]
) -> list[LabelledItem]:
    """The items of a split in some languages.

    Raises:
        ConfigError: the split has none of one of them.
    """
    present = {item.lang for item in data.texts[split]}
    if absent := sorted(map(str, tags - present)):
        raise ConfigError(
            ", ".join(absent),
            f"nothing in the {split} split",
            f"It has {', '.join(sorted(map(str, present))) or 'no text at all'}",
            code="TLN-CONFIG-653",
        )
    return [item for item in data.texts[split] if item.lang in tags]
