"""What a retrieval record says beside its ranks."""

import numpy as np

from transliconet.probe.alignment import (
    alignment,
    hubness,
    mexa,
    paired_similarity,
    script_probe,
    uniformity,
)

SCRIPT_FOLDS = 5


def measures_of(
    queries: np.ndarray, answers: np.ndarray, source: tuple[str, str], target: tuple[str, str]
) -> dict:
    """Measures of (N, D) queries and their answers, by name; see
    :mod:`transliconet.probe.alignment`.

    Every task: ``mexa``, ``hubness`` (skewness of how often each answer is found), ``matched`` and
    ``random`` (mean cosine of pairs and of the rest) and their ``gap``. From native to romanized
    within a language, also: ``alignment``, ``uniformity_native``, ``uniformity_romanized``, and
    ``script_probe`` (accuracy of a classifier that tells the script, 0.5 is best). Between two
    languages, the task from native and that from romanized text give the four similarities of arXiv
    2409.17326 together.

    Args:
        queries, answers: row i of both is the same sentence.
        source, target: (language, view) of each.
    """
    found = paired_similarity(queries, answers)
    measures = {
        "mexa": mexa(queries, answers),
        "hubness": hubness(queries, answers).skewness,
        "matched": found.matched,
        "random": found.random,
        "gap": found.gap,
    }
    if source[0] == target[0] and source[1] == "native":
        measures["alignment"] = alignment(queries, answers)
        measures["uniformity_native"], measures[f"uniformity_{target[1]}"] = (
            uniformity(queries),
            uniformity(answers),
        )
        if len(queries) >= SCRIPT_FOLDS:
            measures["script_probe"] = script_probe(queries, answers, SCRIPT_FOLDS)
    return measures
