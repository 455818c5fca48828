"""FSDP trains the encoder as one process does, and its checkpoints export like any other."""

import pickle
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
from torch.distributed.fsdp import StateDictType

from tests.forked import start_server
from tests.settings import raises
from transliconet.model.encoder import Encoder
from transliconet.objectives.gradcache import recompute_in_backward
from transliconet.runs.hf_folder import export_run, save_architecture
from transliconet.train.sharded import (
    METADATA,
    fsdp_strategy,
    gathered_state,
    is_sharded,
    unit_policy,
)

IDS = torch.randint(5, 500, (8, 10), generator=torch.Generator().manual_seed(0))
ATTENTION = torch.arange(10) < torch.tensor([10, 3, 7, 1, 9, 5, 2, 8]).unsqueeze(1)


class Step(nn.Module):
    """Some loss that reads layers and head, in an attribute named as the LightningModule's."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.encoder = Encoder.from_pretrained(str(folder))

    def forward(self, ids: Tensor, attention: Tensor) -> Tensor:
        states = self.encoder.hidden_states(ids, attention, {1, 2})
        return (
            states[1].square().sum()
            + self.encoder.vocabulary_logits(states[2][attention]).logsumexp(-1).sum()
        )


class InParts(Step):
    """The same, two rows at a time."""

    def forward(self, ids: Tensor, attention: Tensor) -> Tensor:
        def loss(*rows: Tensor) -> tuple[Tensor]:
            return (super(InParts, self).forward(*rows),)

        parts = zip(ids.split(2), attention.split(2), strict=True)
        return torch.stack(
            [recompute_in_backward(self.encoder, loss, *rows)[0] for rows in parts]
        ).sum()


def sharded(step: Step) -> FSDP:
    return FSDP(
        step, auto_wrap_policy=unit_policy(), use_orig_params=True, device_id=torch.device("cpu")
    )


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2)
    model, in_parts = sharded(Step(folder / "encoder")), sharded(InParts(folder / "encoder"))
    units = sum(isinstance(m, FSDP) for m in model.modules())
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    rows = slice(4 * rank, 4 * rank + 4)
    for one in (model, in_parts):
        one(IDS[rows], ATTENTION[rows]).backward()
    gradients = [
        [p.grad.clone() for p in one.parameters() if p.grad is not None]
        for one in (model, in_parts)
    ]
    torch.save(gradients, folder / f"gradients{rank}.pt")
    optimizer.step()
    with FSDP.state_dict_type(model, StateDictType.SHARDED_STATE_DICT):
        dcp.save(
            {"model": model.state_dict()},
            checkpoint_id=folder / "run" / "checkpoints" / "last.ckpt",
        )
    (folder / f"units{rank}").write_text(str(units))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def trained(
    encoder: Encoder, encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("fsdp")
    (folder / "encoder").symlink_to(encoder_folder)
    save_architecture(encoder, folder / "run")
    start_server()
    mp.start_processes(work, (folder,), nprocs=2, start_method="forkserver")
    return folder


def test_a_sharded_checkpoint_exports_to_what_one_process_trains(trained: Path) -> None:
    assert (trained / "units0").read_text() == "3"  # two layers and the rest
    step = Step(trained / "encoder")
    before = {k: v.clone() for k, v in step.encoder.masked_lm.state_dict().items()}
    (step(IDS, ATTENTION) / 2).backward()  # FSDP averages over its two processes
    torch.optim.SGD(step.parameters(), lr=1e-3).step()
    expected = step.encoder.masked_lm.state_dict()
    out = export_run(trained / "run", trained / "export")
    exported = Encoder.from_pretrained(str(out)).masked_lm.state_dict()
    assert exported.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(exported[name], value, atol=1e-6, rtol=1e-5)
    assert sum(not torch.equal(before[name], exported[name]) for name in before) > 20


def test_parts_of_a_batch_have_the_gradients_of_the_whole(trained: Path) -> None:
    for rank in (0, 1):
        whole, in_parts = torch.load(trained / f"gradients{rank}.pt", weights_only=True)
        assert len(whole) == len(in_parts) > 10
        assert max(float(g.abs().max()) for g in whole if g.numel()) > 1e-2
        for expected, got in zip(whole, in_parts, strict=True):
            torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_a_sharded_checkpoint_that_runs_code_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bomb.ckpt"
    folder.mkdir()
    (folder / METADATA).write_bytes(pickle.dumps(partial(Path.touch, tmp_path / "exploded")))
    assert is_sharded(folder)
    with raises("TLN-CKPT-802"):
        gathered_state(folder)
    assert not (tmp_path / "exploded").exists()
    (folder / METADATA).write_bytes(b"nothing")
    with raises("TLN-CKPT-802"):
        gathered_state(folder)


def test_the_strategy_is_lightnings_with_our_units() -> None:
    strategy = fsdp_strategy(sharding_strategy="SHARD_GRAD_OP")
    assert strategy.sharding_strategy.name == "SHARD_GRAD_OP"
    assert strategy._state_dict_type == "sharded"
