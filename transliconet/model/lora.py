"""Settings of low-rank adapters (LoRA), which are trained in place of the layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.model.adapter_choice import PER


@dataclass(frozen=True)
class LoraSettings:
    r"""Low-rank adapters (Hu et al., 2021, arXiv 2106.09685).

    Of a linear layer with weight :math:`W`, only :math:`A` and :math:`B` are trained,

    .. math:: W' = W + s\, B A, \qquad s = \alpha / r

    where :math:`B` starts as zeros, so that nothing changes at first.

    Args:
        rank: r, the number of rows of :math:`A`.
        alpha: :math:`\alpha`.
        dropout: of the input of :math:`A`, 0 … 0.9.
        targets: names of the linear layers, within each transformer layer, that get an adapter;
            None: all of them (:attr:`transliconet.model.shapes.Shape.linear`).
        dora: also train the length of each row of :math:`W'` (Liu et al., 2024, arXiv 2402.09353).
        rslora: :math:`s = \alpha / \sqrt r` (Kalajdzievski, 2023, arXiv 2312.03732).
        per: ``language`` or ``script``: an adapter for each, which its texts go through
            (:mod:`transliconet.model.adapter_choice`); None: one adapter for all texts.

    Raises:
        ConfigError: a number is out of range, or ``dora`` is asked for together with ``per``.
    """

    rank: int = 16
    alpha: float = 32
    dropout: float = 0.0
    targets: Sequence[str] | None = None
    dora: bool = False
    rslora: bool = False
    per: str | None = None

    def __post_init__(self) -> None:
        require_range("rank", self.rank, least=1)
        require_range("alpha", self.alpha, above=0)
        require_range("dropout", self.dropout, least=0, most=0.9)
        if self.per is None:
            return
        require_choice("per", self.per, PER)
        if self.dora:
            raise ConfigError(
                Option("dora", True),
                f"DoRA cannot be computed with adapters per {self.per}",
                "Leave dora=false, or per=null",
                code="TLN-CONFIG-412",
            )
