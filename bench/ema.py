"""Anchored contrast with a moving average of the trained model as the teacher, which is otherwise
frozen.

``bench/ablation.py --options`` selects it by ``objective.anchor._target_``. The result is in
docs/research/ablation.md.
"""

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from transliconet.batch import ATTENTION_MASK, CONTENT_MASK, INPUT_IDS, has_rows
from transliconet.model.pooling import pool
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.anchors import ANCHOR
from transliconet.objectives.encode import EncodedPairs


@dataclass(frozen=True)
class MovingAnchors(AnchoredContrast):
    """Anchored contrast whose teacher is an exponential moving average of the trained encoder
    (Tarvainen & Valpola, 2017, arXiv 1703.01780).

    Args:
        decay: of the average, per step; 1 gives the frozen teacher.
        cached_negatives: must be 0, since cached anchors are the frozen teacher's.
    """

    cached_negatives: int = 0
    decay: float = 0.99
    teachers: list[AveragedModel] = field(default_factory=list, compare=False)

    @property
    def native_share(self) -> float:
        return 1.0  # the average reads all native rows

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        if not self.teachers:
            # type: ignore[arg-type]
            average = AveragedModel(encoded.encoder, multi_avg_fn=get_ema_multi_avg_fn(self.decay))
            self.teachers.append(average.eval().requires_grad_(False))
        teacher = self.teachers[0]
        with torch.no_grad():
            teacher.update_parameters(encoded.encoder)  # type: ignore[arg-type]
            request = next(iter(self.reads(encoded.encoder)))
            ids, attention, content = (
                encoded.batch[key][: encoded.pairs]
                for key in (INPUT_IDS, ATTENTION_MASK, CONTENT_MASK)
            )
            hidden = teacher.module.hidden_states(ids, attention, {request.layer})[request.layer]
            anchors = pool(hidden, content, attention, self.pooling)
        natives = torch.arange(math.ceil(self.replay_share * encoded.pairs) if self.replay else 0)
        kept = torch.cat([natives, torch.arange(encoded.pairs, 2 * encoded.pairs)])
        rows = {k: v[kept] if has_rows(k) else v for k, v in encoded.batch.items()}
        states = {request: encoded.states[request][kept]}
        return super().__call__(replace(encoded, batch={**rows, ANCHOR: anchors}, states=states))
