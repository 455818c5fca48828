"""The views of a sentence, and the text of each."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from transliconet.language_codes import romanized_tag
from transliconet.pairs import id_fraction
from transliconet.tokens.noise import Augment, noisy_romanization

NATIVE, ROMANIZED, NOISY, HUMAN = "native", "romanized", "noisy", "human"
"""The text itself; a romanizer's output; the same misspelled; and what people typed."""
VIEW_COLUMNS = {NATIVE: "text", ROMANIZED: "romanized"}
"""View → column of the pairs folder."""
TEXT_KEYS = {**VIEW_COLUMNS, HUMAN: "human"}
"""View → key of a row; noisy text is made from two of them."""


class Side(NamedTuple):
    """One end of a retrieval task: the sentences of a language in one view."""

    lang: str
    view: str

    @property
    def tag(self) -> str:
        """Language and script of the texts: all views but the native one are in Latin script."""
        return self.lang if self.view == NATIVE else romanized_tag(self.lang)

    def told(self, tagged: bool) -> dict[str, str]:
        """What a function that embeds these texts is told of them: their tag, if ``tagged``."""
        return {"language": self.tag} if tagged else {}


def text_in_view(row: Mapping[str, str], view: str, noise: Augment | None, seed: int) -> str:
    """The text of a row in a view.

    A noisy romanization depends on ``seed`` and the row alone, so that every encoder is probed with
    the same text.
    """
    if view != NOISY or noise is None:
        return row[TEXT_KEYS[view]]
    fraction = id_fraction(f"{row['lang']} {row['id']}", seed)
    rng = np.random.default_rng(int(2**63 * fraction))
    return noisy_romanization(
        row["text"], row["romanized"], noise, rng, language=row["lang"], id_=row["id"]
    )
