"""How training text becomes batches: the settings of the ``data`` section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transliconet.data.masking import Masking
from transliconet.data.mixture import Alpha, exponents
from transliconet.errors import ConfigError, Option, require_range
from transliconet.tokens.noise import Augment


@dataclass(frozen=True)
class DataSettings:
    """Which pairs are trained on, and how they are batched.

    Args:
        batch_size: pairs a batch and device; each pair is two rows.
        batch_tokens: tokens a batch and device, both views together, in place of ``batch_size``;
            None: ``batch_size`` counts.
        max_length: longest row in tokens, special tokens included. Longer ones are truncated and
            counted.
        languages: tags to train on; None takes all.
        skip_unchanged: leave out pairs whose romanization equals the text: there is nothing to
            align, only MLM to learn.
        also: more pairs folders to train on, such as the same text by another romanizer. They must
            hold out the same ids.
        pivot: tags of languages whose texts of the same id are translations, the preferred one
            first, for objectives that read translations
            (:func:`transliconet.tokens.pivots.match_pivots`).
        by_language: whether a batch holds pairs of one language, so that negatives are hard
            (:class:`transliconet.data.sampler.PairBatchSampler`).
        pairs_per_id: pairs of one id, in different languages, that a batch holds together; for
            objectives that contrast concepts. Above 1 it takes batches of ``batch_size`` pairs of
            all languages, not sorted by length, in which a text may occur twice.
        window: batches whose pairs are sorted by length together
            (:class:`transliconet.data.sampler.PairBatchSampler`).
        weights: language → how often its pairs are drawn relative to those of a language of weight
            1, which all others have (:class:`transliconet.data.mixture.Mixture`).
        alpha: exponent of the number of pairs in a language's share; several: a schedule from the
            first step to the last. With 1 and no weights each pair is in one batch an epoch.
        augment: noisy or mixed-script romanized rows.
        masking: how masked input is made, where an objective reads it.
        workers: loader processes. Batches are the same for any number.

    Raises:
        ConfigError: a value cannot be used.
    """

    batch_size: int = 24
    batch_tokens: int | None = None
    max_length: int = 512
    languages: Sequence[str] | None = None
    skip_unchanged: bool = True
    also: Sequence[str | Path] = ()
    pivot: Sequence[str] = ()
    by_language: bool = False
    pairs_per_id: int = 1
    window: int = 50
    weights: Mapping[str, float] | None = None
    alpha: Alpha = 1.0
    augment: Augment = field(default_factory=Augment)
    masking: Masking = field(default_factory=Masking)
    workers: int = 0

    def __post_init__(self) -> None:
        # contrast needs a negative: two pairs
        require_range("batch_size", self.batch_size, least=2)
        if self.batch_tokens is not None:
            require_range("batch_tokens", self.batch_tokens, least=8)
        # a token of text between the two special ones
        require_range("max_length", self.max_length, least=3)
        require_range("pairs_per_id", self.pairs_per_id, least=1)
        if self.pairs_per_id > 1 and (self.by_language or self.batch_tokens is not None):
            raise ConfigError(
                Option("pairs_per_id", self.pairs_per_id),
                "batches of one language, or of a number of tokens, do not keep ids together",
                "Leave by_language and batch_tokens out, or set it to 1",
                code="TLN-CONFIG-327",
            )
        exponents(self.alpha)
        if self.pairs_per_id > 1 and self.is_mixed:
            raise ConfigError(
                Option("pairs_per_id", self.pairs_per_id),
                "a draw by weights or an exponent does not keep ids together",
                "Leave weights out and alpha at 1, or set it to 1",
                code="TLN-CONFIG-329",
            )
        require_range("window", self.window, least=1)
        require_range("workers", self.workers, least=0)

    @property
    def is_mixed(self) -> bool:
        """Whether languages are drawn by a mixture rather than each pair once an epoch."""
        return bool(self.weights) or exponents(self.alpha) != [1.0]
