"""A task without a download: what kind of name is it?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.corpus.sources.base import Line
from transliconet.corpus.sources.cldr import KINDS, CldrNames
from transliconet.downstream.labelled import DEV, TEST, TRAIN, LabelledSplits, LabelledText
from transliconet.pairs import id_fraction


@dataclass(frozen=True)
class CldrKinds:
    """Classify Unicode CLDR's names: is it a territory, a language, a script or a currency?

    A fifth of the ids is the test split and a tenth the dev split, the same in every language,
    chosen by a hash of the id. A name that a language has for two ids, such as the territory and
    the language Tokelau, is left out.

    Args:
        languages: tags; None: English, and every language that CLDR writes in another script.
        kinds: the classes.
    """

    languages: Sequence[str] | None = None
    kinds: Sequence[str] = KINDS

    def read(self) -> LabelledSplits[LabelledText]:
        """Read all splits.

        Raises:
            ConfigError: an unknown kind, or a language that CLDR has no names in.
        """
        names = CldrNames(self.kinds, self.languages)
        sources = [names]
        if not self.languages:
            sources.append(CldrNames(self.kinds, ["eng_Latn"]))
        found: LabelledSplits[LabelledText] = LabelledSplits.empty()
        found.sources = names.sources()
        lines: list[Line] = []
        for source in sources:
            for line in source:
                if isinstance(line, Line):
                    lines.append(line)
                else:
                    found.leave_out(line.lang, line.reason)
        meanings = Counter((line.lang, line.text) for line in lines)
        for line in lines:
            if meanings[line.lang, line.text] > 1:
                found.leave_out(str(line.lang), "ambiguous_name")
                continue
            kind, _, _ = line.id.partition("/")
            text = LabelledText(line.id, line.lang, line.text, kind)
            found.texts[_split_of(line.id)].append(text)
        return found


def _split_of(id_: str) -> str:
    share = id_fraction(id_, seed=0)
    if share < 0.2:
        return TEST
    return DEV if share < 0.3 else TRAIN
