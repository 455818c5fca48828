"""What a task is tested with: each language in each view."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.downstream.labelled import LabelledText
from transliconet.language_tag import LanguageTag
from transliconet.probe.views import HUMAN, NATIVE, ROMANIZED
from transliconet.romanizers.base import Romanizer, romanize_line

LATIN = "Latn"


@dataclass(frozen=True)
class EvaluationSet:
    """The test texts of a language in one view.

    Args:
        language: tag; of ``human`` text the language's tag in its own script.
        view: ``native``, ``romanized`` or ``human``.
        texts: N texts as they are classified.
        labels: N classes.
    """

    language: str
    view: str
    texts: list[str]
    labels: list[str]


def evaluation_sets(texts: Sequence[LabelledText], romanize: Romanizer) -> list[EvaluationSet]:
    """Sort test texts by language and view.

    A language in another script than Latin has the views native and romanized. If the data has the
    same language in Latin script, too, people have romanized it: this is its human view.

    Args:
        texts: of all languages.
        romanize: makes the romanized view.

    Returns:
        The sets, ordered by language and view.
    """
    by_tag: defaultdict[LanguageTag, list[LabelledText]] = defaultdict(list)
    for text in texts:
        by_tag[text.lang].append(text)
    found = []
    for tag, of_tag in sorted(by_tag.items(), key=lambda item: str(item[0])):
        labels = [text.label for text in of_tag]
        own = [text.text for text in of_tag]
        native_tag = _in_own_script(tag, list(by_tag))
        if native_tag is not None:
            found.append(EvaluationSet(str(native_tag), HUMAN, own, labels))
            continue
        found.append(EvaluationSet(str(tag), NATIVE, own, labels))
        if tag.script != LATIN:
            romanized = [romanize_line(romanize, text, str(tag))[0] for text in own]
            found.append(EvaluationSet(str(tag), ROMANIZED, romanized, labels))
    order = [NATIVE, ROMANIZED, HUMAN]
    return sorted(found, key=lambda part: (part.language, order.index(part.view)))


def _in_own_script(tag: LanguageTag, tags: Sequence[LanguageTag]) -> LanguageTag | None:
    """The tag of the same language in another script than Latin; None if there is none."""
    if tag.script != LATIN:
        return None
    others = [other for other in tags if other.language == tag.language and other.script != LATIN]
    return min(others, key=str, default=None)
