"""How many lines of each language are taken."""

from collections.abc import Mapping
from dataclasses import dataclass

from transliconet.errors import require_range


def divide(
    budget: float, shares: Mapping[str, float], limits: Mapping[str, int]
) -> dict[str, float]:
    r"""Divide a number of lines between languages, none of which gives more than it has.

    With shares :math:`s_l` and limits :math:`m_l`, language :math:`l` gives
    :math:`\min(m_l, c \cdot s_l)`, :math:`c` such that the budget is spent as far as the limits
    allow.

    Args:
        budget: number of lines.
        shares: language → share, above 0, in any unit.
        limits: language → most that it can give; it may have more languages.

    Returns:
        Language → its part of the budget, for the languages of ``shares``.

    >>> divide(100, {"hin_Deva": 1.0, "kat_Geor": 1.0}, {"hin_Deva": 1000, "kat_Geor": 10})
    {'kat_Geor': 10.0, 'hin_Deva': 90.0}
    """
    taken: dict[str, float] = {}
    open_languages = list(shares)
    # A language whose share is more than it has gives all it has; the others share what is left
    # of the budget, which may exhaust more of them.
    while open_languages:
        share_sum = sum(shares[lang] for lang in open_languages)
        scale = (budget - sum(taken.values())) / share_sum
        exhausted = [lang for lang in open_languages if scale * shares[lang] >= limits[lang]]
        if not exhausted:
            taken |= {lang: scale * shares[lang] for lang in open_languages}
            break
        taken |= {lang: float(limits[lang]) for lang in exhausted}
        open_languages = [lang for lang in open_languages if lang not in taken]
    return taken


@dataclass(frozen=True)
class Sampling:
    r"""A share of the corpus, divided between the languages by an exponent.

    The budget is ``fraction`` of all usable lines; language :math:`l` with :math:`n_l` of them gets
    :math:`\min(n_l, c \cdot n_l^{\alpha})`, :math:`c` such that the budget is spent (Conneau and
    Lample, 2019), then at least ``min_lines`` and at most ``max_lines``, as far as it has lines.
    A hash of id and seed decides which lines: the same ones whatever the order of the files.

    Args:
        fraction: share of the usable lines, e.g. 0.05 as Furina's corpus.
        alpha: the exponent; 1 takes the same share of every language, 0 the same number of lines.
        min_lines, max_lines: least and most lines of a language (None: no limit).
        latin: also take languages in Latin script.
        same_ids: take the same ids in every language as far as the numbers allow, which keeps
            translations together for the probe. False takes different ids in each language: more
            different sentences of a parallel corpus to train on.
        seed: of the hash.
    """

    fraction: float = 1.0
    alpha: float = 1.0
    min_lines: int = 0
    max_lines: int | None = None
    latin: bool = True
    same_ids: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("fraction", self.fraction, above=0, most=1)
        require_range("alpha", self.alpha, least=0, most=1)
        require_range("min_lines", self.min_lines, least=0)
        if self.max_lines is not None:
            require_range("max_lines", self.max_lines, least=max(1, self.min_lines))

    @property
    def takes_everything(self) -> bool:
        return self.fraction == 1 and self.max_lines is None

    def allocate(self, usable: Mapping[str, int]) -> dict[str, int]:
        """Divide the budget between the languages.

        Args:
            usable: language → lines that may be taken.

        Returns:
            Language → lines to take.

        >>> Sampling(fraction=0.5).allocate({"hin_Deva": 1000, "kat_Geor": 10})
        {'hin_Deva': 500, 'kat_Geor': 5}
        >>> Sampling(fraction=0.5, alpha=0.0).allocate({"hin_Deva": 1000, "kat_Geor": 10})
        {'hin_Deva': 495, 'kat_Geor': 10}
        >>> bounded = Sampling(fraction=0.05, min_lines=8, max_lines=40)
        >>> bounded.allocate({"hin_Deva": 1000, "kat_Geor": 10})
        {'hin_Deva': 40, 'kat_Geor': 8}
        """
        budget = self.fraction * sum(usable.values())
        shares = {lang: number**self.alpha for lang, number in usable.items() if number}
        taken = divide(budget, shares, usable)
        largest = max(usable.values(), default=0)
        most = largest if self.max_lines is None else self.max_lines
        allocated = {}
        for lang, number in usable.items():
            wanted = max(round(taken.get(lang, 0)), self.min_lines)
            allocated[lang] = min(number, most, wanted)
        return allocated
