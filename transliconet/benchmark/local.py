"""Tasks of MTEB that are made of local data."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from datasets import Dataset, DatasetDict
from mteb.abstasks import AbsTaskClassification
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.languages import check_language_code

from transliconet.downstream.labelled import TEST, TRAIN, LabelledSplits, LabelledText
from transliconet.errors import DataError

LEAST_OF_A_LABEL = 2
"""Fewer training texts than this of every label cannot teach a classifier."""


def local_classification(
    name: str, data: LabelledSplits, languages: Sequence[str] | None = None
) -> tuple[AbsTaskClassification, dict[str, dict[str, int]]]:
    """A classification task of MTEB, with one subset for each language.

    MTEB trains a logistic regression on eight texts of each label, ten times, in the same language
    and view that it tests.

    Args:
        name: of the task.
        data: its texts.
        languages: as MTEB writes them, ``hin`` or ``hin-Deva``, or tags; None takes all.

    Returns:
        The task, and tag → reason → number of texts that it does not have: those of languages
        without texts to train on, and of languages that MTEB does not know.

    Raises:
        DataError: none of the languages has both splits.
    """
    wanted = None
    if languages is not None:
        wanted = {language.replace("_", "-") for language in languages}
    by_tag: dict[str, dict[str, list[LabelledText]]] = {}
    for split in (TRAIN, TEST):
        for text in data.texts[split]:
            names = {text.lang.language, _code(str(text.lang))}
            if wanted is not None and not wanted & names:
                continue
            by_tag.setdefault(str(text.lang), defaultdict(list))[split].append(text)
    left_out = {tag: dict(reasons) for tag, reasons in data.left_out.items()}
    kept = {}
    for tag, splits in sorted(by_tag.items()):
        reason = _unusable(tag, splits)
        if reason:
            number = len(splits[TRAIN]) + len(splits[TEST])
            left_out.setdefault(tag, {})[reason] = number
        else:
            kept[tag] = splits
    if not kept:
        raise DataError(
            name,
            "no language that is asked for has texts to train on and to test",
            "Give a task with a train and a test split of each language, or other languages",
            code="TLN-DATA-680",
        )
    return _task(name, kept, data), left_out


def _unusable(tag: str, splits: Mapping[str, list[LabelledText]]) -> str:
    """Why a language is not in the task; empty if it is."""
    labels = {text.label for text in splits[TRAIN]}
    if len(labels) < LEAST_OF_A_LABEL:
        return "too_few_labels_to_train_on"
    if not splits[TEST]:
        return "no_test_text"
    try:
        check_language_code(_code(tag))
    except ValueError:
        return "language_unknown_to_mteb"
    return ""


def _task(
    name: str, by_tag: Mapping[str, Mapping[str, list[LabelledText]]], data: LabelledSplits
) -> AbsTaskClassification:
    every = [text.label for splits in data.texts.values() for text in splits]
    numbers = {label: number for number, label in enumerate(sorted(set(every)))}
    subsets = {}
    digest = sha256()
    for tag, splits in by_tag.items():
        of_language = {}
        for split in (TRAIN, TEST):
            texts = [text.text for text in splits[split]]
            labels = [numbers[text.label] for text in splits[split]]
            of_language[split] = Dataset.from_dict({"text": texts, "label": labels})
            digest.update(repr((tag, split, texts, labels)).encode(errors="surrogatepass"))
        subsets[tag] = DatasetDict(of_language)
    about = TaskMetadata(
        name=re.sub(r"\W+", "_", name),
        description=f"Local texts: {name}",
        dataset={"path": f"local/{name}", "revision": digest.hexdigest()[:16]},
        type="Classification",
        category="t2c",
        eval_splits=[TEST],
        eval_langs={tag: [_code(tag)] for tag in by_tag},
        main_score="accuracy",
        task_subtypes=[],
    )

    class LocalClassification(AbsTaskClassification):
        """Has its texts already; nothing is loaded."""

        metadata = about

        def load_data(self, *args: Any, **kwargs: Any) -> None:
            self.dataset = subsets
            self.data_loaded = True

    return LocalClassification()


def _code(tag: str) -> str:
    """A tag as MTEB writes it."""
    return tag.replace("_", "-")
