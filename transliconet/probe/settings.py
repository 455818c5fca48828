"""Groups of settings of the retrieval probe."""

from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.errors import require_choice, require_range
from transliconet.pairs import MIN_CANDIDATES
from transliconet.probe.record import ACCURACY_DEPTHS
from transliconet.probe.views import NATIVE, ROMANIZED
from transliconet.tokens.noise import Augment

UNCHANGED = ("skip", "keep", "both")
MAXSIM = "maxsim"
RETRIEVAL_SCORES = ("cosine", "margin", "csls", MAXSIM)
INDEXES = ("flat", "hnsw", "ivf")


@dataclass(frozen=True)
class Candidates:
    """Which sentences are searched.

    Args:
        max: a task takes at most this many ids, chosen by a hash of the id; None takes all.
        min: a task with fewer ids is left out, and named in
            :class:`transliconet.probe.tasks.PassedOver`.
        unchanged: pairs whose romanization equals the text, in native ↔ romanized tasks: ``skip``
            leaves them out, ``keep`` keeps them (they are trivially right), ``both`` runs each task
            twice.
        pivot_views: views of the pivots that are searched: ``native``, ``romanized`` or both. A
            pivot that romanization leaves as it is has one view.
        noisy: rates above 0 add a third view, a noisy romanization as people might type it.
    """

    max: int | None = 1000
    min: int = MIN_CANDIDATES
    unchanged: str = "skip"
    pivot_views: Sequence[str] = (NATIVE,)
    noisy: Augment | None = None

    def __post_init__(self) -> None:
        require_range("min", self.min, least=1)
        if self.max is not None:
            require_range("max", self.max, least=self.min)
        require_choice("unchanged", self.unchanged, UNCHANGED)
        for view in self.pivot_views:
            require_choice("pivot_views", view, (NATIVE, ROMANIZED))


@dataclass(frozen=True)
class Embedding:
    """How a sentence becomes a vector; see :func:`transliconet.model.embed.embed`.

    Args:
        layer: hidden layer, 0 … ``encoder.layers`` or ``last``; ``auto``: as the checkpoint says,
            else the last. With several, or ``all``, every
            task is run once for each layer, from one pass over the texts.
        pooling: ``mean``, ``mean_with_special``, ``cls``, ``weighted``, …; ``auto``: as the
            checkpoint says, else ``mean``.
        max_length: tokens; longer texts are truncated. None: as the checkpoint says, else 512.
        batch_tokens: largest number of tokens in a batch, padding included.
    """

    layer: int | str | Sequence[int | str] = "auto"
    pooling: str = "auto"
    max_length: int | None = None
    batch_tokens: int = 4096


@dataclass(frozen=True)
class Search:
    """How neighbours are ranked.

    Args:
        similarity: ``cosine``; ``margin`` and ``csls`` correct for hubs; ``maxsim`` compares
            every token of a query with every token of a candidate.
        index: ``flat`` is exact. ``hnsw`` and ``ivf`` are approximate, for more than a million
            vectors; their ``recall`` (share of exact neighbours found) joins the metrics.
        depth: ranks are exact down to here; deeper ones count 0 in the MRR.
    """

    similarity: str = "cosine"
    index: str = "flat"
    depth: int = 100

    def __post_init__(self) -> None:
        require_choice("similarity", self.similarity, RETRIEVAL_SCORES)
        require_choice("index", self.index, INDEXES)
        require_range("depth", self.depth, least=max(ACCURACY_DEPTHS))
