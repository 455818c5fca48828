"""Train a head on some languages, test it in all of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

from transliconet.downstream.evaluation import evaluation_sets
from transliconet.downstream.head import LinearHead
from transliconet.downstream.labelled import DEV, TEST, TRAIN, LabelledSplits, LabelledText
from transliconet.downstream.record import Scores, TransferRecord
from transliconet.errors import ConfigError, Option
from transliconet.language_tag import LanguageTag
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.probe.settings import Embedding
from transliconet.romanizers.registry import romanizer as romanizer_of

log = logging.getLogger(__name__)


class Task(Protocol):
    """Labelled texts: :class:`transliconet.downstream.tables.LabelledTables`, or a class of your
    own.
    """

    def read(self) -> LabelledSplits:
        """Read the texts of all splits."""
        ...


@dataclass(frozen=True)
class TransferSettings:
    """How a task is trained and tested.

    Args:
        name: of the task, in results.
        train_languages: tags whose train split is trained on, and whose dev split selects.
        languages: tags to test; None takes all that the test split has.
        romanizer: of the romanized view: a name, ``best``, or by language.
        embedding: how a text becomes a vector; one layer.
    """

    name: str = "task"
    train_languages: Sequence[str] = ("eng_Latn",)
    languages: Sequence[str] | None = None
    romanizer: str | Mapping[str, str] = "uroman"
    embedding: Embedding = field(default_factory=Embedding)


@dataclass(frozen=True)
class TransferResult:
    """What a task has shown.

    Args:
        records: one for each language and view.
        strength: of the head that the dev split selected, C in scikit-learn.
        dev_accuracy: of that head; None where there is no dev split.
        left_out: tag → reason → number of rows that could not be used.
        sources: what was read.
    """

    records: list[TransferRecord]
    strength: float
    dev_accuracy: float | None
    left_out: dict[str, dict[str, int]]
    sources: list[dict[str, object]]


def transfer(
    encoder: Encoder, task: Task, settings: TransferSettings | None = None
) -> TransferResult:
    """Train a linear head on frozen vectors of some languages, and test it in all of them.

    This is zero-shot cross-lingual transfer (Conneau et al., 2018, "XNLI") with a frozen encoder:
    what a classifier that knows English makes of the same text in other languages and scripts.

    Args:
        encoder: the model; it is not changed.
        task: the labelled texts.
        settings: how it is trained and tested.

    Returns:
        A record for each language and view.

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
    train = _of_languages(data, TRAIN, train_tags)
    dev = [text for text in data.texts[DEV] if text.lang in train_tags]
    tested = data.texts[TEST]
    if settings.languages is not None:
        tested = _of_languages(data, TEST, _tags("languages", settings.languages))
    vectors = partial(
        _vectors,
        encoder=encoder,
        embedding=settings.embedding,
    )
    log.info("embedding %d texts to train on", len(train))
    selection = (vectors(_contents(dev)), _labels(dev)) if dev else None
    head = LinearHead.fit(vectors(_contents(train)), _labels(train), selection)
    records = []
    for part in evaluation_sets(tested, romanizer_of(settings.romanizer)):
        log.info("%s, %s: %d texts", part.language, part.view, len(part.texts))
        scores = Scores.from_predictions(head.predict(vectors(part.texts)), part.labels)
        records.append(
            TransferRecord(
                task=settings.name,
                language=part.language,
                view=part.view,
                train_languages=tuple(sorted(map(str, train_tags))),
                head="linear",
                **vars(scores),
            )
        )
    return TransferResult(
        records,
        strength=head.strength,
        dev_accuracy=head.dev_accuracy,
        left_out=data.left_out,
        sources=data.sources,
    )


def _tags(option: str, written: Sequence[str]) -> set[LanguageTag]:
    given = Option(option, list(written))
    return {LanguageTag.parse(tag, given) for tag in written}


def _of_languages(data: LabelledSplits, split: str, tags: set[LanguageTag]) -> list[LabelledText]:
    """The texts of a split in some languages.

    Raises:
        ConfigError: the split has no text of one of them.
    """
    present = {text.lang for text in data.texts[split]}
    if absent := sorted(map(str, tags - present)):
        raise ConfigError(
            ", ".join(absent),
            f"no text of the {split} split",
            f"It has {', '.join(sorted(map(str, present))) or 'no text at all'}",
            code="TLN-CONFIG-653",
        )
    return [text for text in data.texts[split] if text.lang in tags]


def _contents(texts: Sequence[LabelledText]) -> list[str]:
    return [text.text for text in texts]


def _labels(texts: Sequence[LabelledText]) -> list[str]:
    return [text.label for text in texts]


def _vectors(texts: Sequence[str], encoder: Encoder, embedding: Embedding) -> np.ndarray:
    """(N, H) vectors of N texts."""
    return embed(
        encoder,
        texts,
        layer=embedding.layer,  # type: ignore[arg-type]  # one layer, checked by the encoder
        pooling=embedding.pooling,
        max_length=embedding.max_length,
        batch_tokens=embedding.batch_tokens,
    )
