"""What a task is tested with: each language in each view."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.downstream.labelled import LabelledItem
from transliconet.language_tag import LanguageTag
from transliconet.probe.views import HUMAN, NATIVE, ROMANIZED
from transliconet.romanizers.base import Romanizer

LATIN = "Latn"


@dataclass(frozen=True)
class EvaluationSet:
    """The test items of a language in one view.

    Args:
        language: tag; of ``human`` text the language's tag in its own script.
        view: ``native``, ``romanized`` or ``human``.
        items: N labelled texts or sentences, as the head sees them.
    """

    language: str
    view: str
    items: Sequence[LabelledItem]


def evaluation_sets(items: Sequence[LabelledItem], romanize: Romanizer) -> list[EvaluationSet]:
    """Sort test items by language and view.

    A language in another script than Latin has the views native and romanized. If the data has the
    same language in Latin script, too, people have romanized it: this is its human view.

    Args:
        items: of all languages.
        romanize: makes the romanized view.

    Returns:
        The sets, ordered by language and view.
    """
    by_tag: defaultdict[LanguageTag, list[LabelledItem]] = defaultdict(list)
    for item in items:
        by_tag[item.lang].append(item)
    found = []
    for tag, of_tag in sorted(by_tag.items(), key=lambda entry: str(entry[0])):
        native_tag = _in_own_script(tag, list(by_tag))
        if native_tag is not None:
            found.append(EvaluationSet(str(native_tag), HUMAN, of_tag))
            continue
        found.append(EvaluationSet(str(tag), NATIVE, of_tag))
        if tag.script != LATIN:
            romanized = [item.romanized(romanize) for item in of_tag]
            found.append(EvaluationSet(str(tag), ROMANIZED, romanized))
    order = [NATIVE, ROMANIZED, HUMAN]
    return sorted(found, key=lambda part: (part.language, order.index(part.view)))


def _in_own_script(tag: LanguageTag, tags: Sequence[LanguageTag]) -> LanguageTag | None:
    """The tag of the same language in another script than Latin; None if there is none."""
    if tag.script != LATIN:
        return None
    others = [other for other in tags if other.language == tag.language and other.script != LATIN]
    return min(others, key=str, default=None)
