"""Where the subwords of a merge plan come from, for people to look at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from transliconet.unicode_script import scripts_in
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.merge import MergePlan


@dataclass(frozen=True)
class SubwordProvenance:
    """A new subword and its sources.

    Args:
        text: the romanized subword, with its word-start mark.
        score: its log probability, in a Unigram model.
        sources: (subword, score) of each source. With ``merge=average`` these are all
            subwords that romanize to it; with ``max`` or ``min``, the one that was chosen.
        scripts: ISO 15924 codes of the letters of all sources, in alphabetical order.
    """

    text: str
    score: float
    sources: tuple[tuple[str, float], ...]
    scripts: tuple[str, ...]


def subword_provenance(
    original: PreTrainedTokenizerBase, plan: MergePlan
) -> list[SubwordProvenance]:
    """One :class:`SubwordProvenance` for each new subword, in the order of the plan.

    Args:
        original: the tokenizer before the change.
        plan: of :meth:`transliconet.vocab.transmi.TransMI.plan`.
    """
    vocabulary = family_of(original).vocabulary()
    provenance = []
    for new in plan.new:
        sources = tuple(vocabulary[id_] for id_ in new.sources)
        scripts: set[str] = set()
        for subword, _ in sources:
            scripts.update(scripts_in(subword))
        provenance.append(SubwordProvenance(new.text, new.score, sources, tuple(sorted(scripts))))
    return provenance


def count_by_script(provenance: Iterable[SubwordProvenance]) -> Counter[str]:
    """Script → new subwords with a source in that script. A subword with sources in several scripts
    is listed under each.
    """
    counts: Counter[str] = Counter()
    for subword in provenance:
        counts.update(subword.scripts)
    return counts
