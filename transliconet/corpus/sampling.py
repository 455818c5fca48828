"""How many lines of each language are taken."""

from collections.abc import Mapping
from dataclasses import dataclass

from transliconet.errors import require_range


@dataclass(frozen=True)
class Sampling:
    r"""A share of the corpus, dealt to the languages by temperature.

    The budget is ``fraction`` of all usable lines; language :math:`l` with :math:`n_l` of them gets
    :math:`\min(n_l, c \cdot n_l^{\alpha})`, :math:`c` such that the budget is spent (Conneau and
    Lample, 2019, with :math:`\alpha` for their exponent), then at least ``min_lines`` and at most
    ``max_lines``, as far as it has lines. Which lines
    is decided by a hash of id and seed: the same ones whatever the order of the files.

    Args:
        fraction: share of the usable lines, e.g. 0.05 as Furina's corpus.
        alpha: 1 takes the same share of every language; nearer 0 evens languages out.
        min_lines, max_lines: least and most lines a language (None: no limit).
        latin: also take languages in Latin script.
        same_ids: take the same ids in every language as far as the numbers allow, which keeps
            translations together for the probe. False takes others in each language: of parallel
            text, more different sentences to train on.
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
        require_range("sample.fraction", self.fraction, above=0, most=1)
        require_range("sample.alpha", self.alpha, least=0, most=1)
        require_range("sample.min_lines", self.min_lines, least=0)
        if self.max_lines is not None:
            require_range("sample.max_lines", self.max_lines, least=max(1, self.min_lines))

    @property
    def takes_everything(self) -> bool:
        return self.fraction == 1 and self.max_lines is None

    def allocate(self, usable: Mapping[str, int]) -> dict[str, int]:
        """Lines to take of each language, of the ``usable`` ones.

        >>> Sampling(fraction=0.5).allocate({"hin_Deva": 1000, "kat_Geor": 10})
        {'hin_Deva': 500, 'kat_Geor': 5}
        >>> Sampling(fraction=0.5, alpha=0.0).allocate({"hin_Deva": 1000, "kat_Geor": 10})
        {'hin_Deva': 495, 'kat_Geor': 10}
        >>> Sampling(fraction=0.05, min_lines=8, max_lines=40).allocate({"hin_Deva": 1000, "kat_Geor": 10})
        {'hin_Deva': 40, 'kat_Geor': 8}
        """
        budget = self.fraction * sum(usable.values())
        shares = {lang: n**self.alpha if n else 0.0 for lang, n in usable.items()}
        taken: dict[str, float] = {}
        open_ = {lang for lang, n in usable.items() if n}
        # a language that its share would exhaust gives all it has; the others share what is left
        while open_:
            scale = (budget - sum(taken.values())) / sum(shares[lang] for lang in open_)
            full = {lang for lang in open_ if scale * shares[lang] >= usable[lang]}
            taken.update(
                {
                    lang: usable[lang] if lang in full else scale * shares[lang]
                    for lang in full or open_
                }
            )
            open_ -= full or open_
        most = self.max_lines if self.max_lines is not None else max(usable.values(), default=0)
        return {
            lang: min(n, most, max(round(taken.get(lang, 0)), self.min_lines))
            for lang, n in usable.items()
        }
