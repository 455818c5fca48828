"""The recipe of a pairs folder: all that decides which pairs it has, beside the source and the
romanizer.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.dedup import NearDuplicates
from transliconet.corpus.sampling import Sampling
from transliconet.errors import require_choice, require_range
from transliconet.pairs import id_fraction


@dataclass(frozen=True)
class Rules:
    """Which lines and pairs are kept, and which are held out.

    Args:
        duplicates: ``drop`` keeps one of the lines with the same text in a language, ``keep`` keeps
            all.
        near_duplicates: Jaccard similarity of character 5-grams from which lines of a language
            count as near-duplicates, of which one is kept; None switches the rule off.
        unchanged: ``flag`` keeps pairs whose romanization equals the text, marked in the column
            ``identical`` (training passes over them, the probe can use them as targets); ``drop``
            drops them.
        romanizer_errors: what becomes of a line that the romanizer raises on. ``fallback``
            romanizes it word by word, and where a word fails, character by character; it is kept
            and listed in ``skipped.jsonl`` as ``romanizer_fallback``. ``drop`` drops it
            (``romanizer_error``).
        heldout: share of ids kept out of training, in every language at once. Chosen by a hash of
            id and seed.
        seed: of the hash.

    Raises:
        ConfigError: a value that cannot be used.
    """

    duplicates: str = "drop"
    near_duplicates: float | None = None
    unchanged: str = "flag"
    romanizer_errors: str = "fallback"
    heldout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("duplicates", self.duplicates, ("drop", "keep"))
        require_choice("unchanged", self.unchanged, ("flag", "drop"))
        require_choice("romanizer_errors", self.romanizer_errors, ("fallback", "drop"))
        if self.near_duplicates is not None:
            require_range("near_duplicates", self.near_duplicates, above=0, most=1)
        require_range("heldout", self.heldout, least=0, most=1)

    def is_heldout(self, id_: str) -> bool:
        """Whether the pairs with the id ``id_`` are held out."""
        return id_fraction(id_, self.seed) < self.heldout

    def near_duplicate_keys(self) -> NearDuplicates | None:
        """What finds near-duplicates, or None where the rule is off."""
        return None if self.near_duplicates is None else NearDuplicates(self.near_duplicates)


@dataclass(frozen=True)
class Recipe:
    """How lines become pairs.

    Args:
        cleaning: what is changed in a line, and which lines are dropped.
        sampling: how many lines of each language are taken.
        rules: duplicates, unchanged pairs, held-out ids.
    """

    cleaning: Cleaning = field(default_factory=Cleaning)
    sampling: Sampling = field(default_factory=Sampling)
    rules: Rules = field(default_factory=Rules)

    def describe(self) -> dict[str, Any]:
        """All options by section and name, for the manifest."""
        return {
            "clean": asdict(self.cleaning),
            "sample": asdict(self.sampling),
            "rules": asdict(self.rules),
        }
