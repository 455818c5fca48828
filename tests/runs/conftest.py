"""A finished run, for tests of what is made from one."""

from pathlib import Path

import pytest
import torch

from transliconet.model.encoder import Encoder
from transliconet.runs.hf_folder import save_architecture
from transliconet.train.module import PREFIX


@pytest.fixture
def run_folder(encoder: Encoder, tmp_path: Path) -> Path:
    """A run with one checkpoint, as Lightning lays it out."""
    run = tmp_path / "run"
    save_architecture(encoder, run)
    (run / "checkpoints").mkdir()
    state = {PREFIX + k: v for k, v in encoder.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 3}, run / "checkpoints" / "last.ckpt")
    return run
