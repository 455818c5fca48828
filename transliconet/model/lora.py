"""Settings of low-rank adapters (LoRA), which are trained in place of the layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.errors import require_range


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

    Raises:
        ConfigError: a number is out of range.
    """

    rank: int = 16
    alpha: float = 32
    dropout: float = 0.0
    targets: Sequence[str] | None = None
    dora: bool = False
    rslora: bool = False

    def __post_init__(self) -> None:
        require_range("rank", self.rank, least=1)
        require_range("alpha", self.alpha, above=0)
        require_range("dropout", self.dropout, least=0, most=0.9)
