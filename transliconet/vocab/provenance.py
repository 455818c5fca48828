"""Where the pieces of a merge plan come from: for people, to look at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from transliconet.unicode_script import scripts_in
from transliconet.vocab.apply import unigram_vocabulary
from transliconet.vocab.merge import MergePlan


@dataclass(frozen=True)
class SubwordProvenance:
    """A new piece and the pieces that its row and score are made of.

    Args:
        piece: the romanized piece, with its word-start mark.
        score: log probability that it gets.
        sources: (piece, log probability) of each; of all that romanize to it where the plan is of
            ``merge=average``, of the one taken where it is of ``max`` or ``min``.
        scripts: ISO 15924 codes of the letters of all sources, in alphabetical order.
    """

    piece: str
    score: float
    sources: tuple[tuple[str, float], ...]
    scripts: tuple[str, ...]


def subword_provenance(
    original: PreTrainedTokenizerBase, plan: MergePlan
) -> list[SubwordProvenance]:
    """One :class:`SubwordProvenance` a new piece, in the order of the plan.

    Args:
        original: the tokenizer that the plan was made for.
        plan: of :meth:`transliconet.vocab.transmi.TransMI.plan`.
    """
    vocabulary = unigram_vocabulary(original)
    found = []
    for new in plan.new:
        sources = tuple(vocabulary[i] for i in new.sources)
        scripts = sorted(set().union(*(scripts_in(piece) for piece, _ in sources)))
        found.append(SubwordProvenance(new.piece, new.score, sources, tuple(scripts)))
    return found


def count_by_script(of: Iterable[SubwordProvenance]) -> Counter[str]:
    """Script → new pieces with a source in it; a piece with sources in several counts for each."""
    return Counter(script for origin in of for script in origin.scripts)
