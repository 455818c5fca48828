"""W processes take the step that one takes with their batches put behind one another."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tests.batches import RandomAnchors, small_data
from tests.forked import start_server
from tests.model.test_shapes import make_model
from transliconet.batch import ATTENTION_MASK, PAIR_INDEX, SEED, has_rows
from transliconet.model.adapters import train_adapters
from transliconet.model.encoder import Encoder
from transliconet.model.lora import LoraSettings
from transliconet.model.shapes import SHAPES
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.anchors import NEGATIVES
from transliconet.objectives.base import Objective, combine
from transliconet.objectives.distributed import gather, mean_weight, world_size
from transliconet.objectives.encode import encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.objectives.word_alignment import WordAlignment
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import BatchNeeds
from transliconet.tokens.words import WordNumbers

OBJECTIVES: dict[str, Objective] = {
    "tcm": TransliterationContrast(
        layer=1, similarity="cosine", temperature=0.1, exclude_overlap=1.0
    ),
    "other_view": TransliterationContrast(layer="last", same_view_negatives=False),
    "mlm": MaskedLanguageModel(),
    "tlm": TransliterationLanguageModel(),
    "words": WordAlignment(),
    "anchor": AnchoredContrast(pull=1.0, replay=1.0, replay_share=1.0, exclude_nearest=0.05),
    "anchor_lora": AnchoredContrast(),
    "anchor_soft": AnchoredContrast(soft_targets=True, temperature=0.5),
}
TYPES = [name for shape in SHAPES for name in shape.model_types if name != "xlm-roberta"]
BY_TYPE = {f"mlm {model_type}": MaskedLanguageModel() for model_type in TYPES}
"""The objective of an encoder of another type than the others'."""
ADAPTED = ("anchor_lora",)
"""Objectives whose encoder trains adapters."""
SIZES = {2: (17, 7), 3: (11, 8, 5)}
"""Pairs of each process: as uneven as last batches are."""


def steps_of(processes: int) -> list[str]:
    """The names of what is compared; every type of encoder with two processes."""
    return [*OBJECTIVES, *(BY_TYPE if processes == 2 else ())]


def parts_of(name: str) -> tuple[int | None, ...]:
    """Sizes of the parts that a batch is computed in."""
    return (None,) if name in BY_TYPE else (None, 5)


class Step(nn.Module):
    """An objective's loss as a module, which is what DDP wraps."""

    def __init__(self, encoder: Encoder, objective: Objective, micro_batch: int | None) -> None:
        super().__init__()
        self.encoder, self.objective, self.micro_batch = encoder, objective, micro_batch

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        reads = self.objective.reads(self.encoder)
        encoded = encode(self.encoder, batch, reads, self.objective.native_share, self.micro_batch)
        return combine({"it": self.objective}, encoded)[0]


def make_step(name: str, folder: Path, micro_batch: int | None) -> Step:
    own = name.partition(" ")[2] or "encoder"
    encoder = Encoder.from_pretrained(str(folder / own))
    if name in ADAPTED:
        pytest.importorskip("peft")
        torch.manual_seed(0)
        train_adapters(encoder, LoraSettings(rank=2))
    return Step(encoder, {**OBJECTIVES, **BY_TYPE}[name], micro_batch)


def part(batch: Mapping[str, Tensor], start: int, end: int) -> dict[str, Tensor]:
    """Pairs ``start`` to ``end`` as a batch of their own, cut to its longest row; cached negatives
    likewise.
    """
    pairs = len(batch[PAIR_INDEX])
    rows = [*range(start, end), *range(pairs + start, pairs + end)]
    length = int(batch[ATTENTION_MASK][rows].sum(1).max())
    own: dict[str, Tensor] = {}
    for key, value in batch.items():
        if has_rows(key):
            own[key] = value[rows, :length]
        elif key != SEED:
            own[key] = value[start:end]
    return own


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def work(rank: int, sizes: tuple[int, ...], folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=len(sizes))
    batch = torch.load(folder / "batch.pt", weights_only=True)
    start = sum(sizes[:rank])
    found: dict[str, object] = {}
    for name in steps_of(len(sizes)):
        for micro_batch in parts_of(name):
            step = make_step(name, folder, micro_batch)
            ddp = DistributedDataParallel(step, find_unused_parameters=True)
            synchronized: list[int] = []

            def counted(
                world: dist.ProcessGroup, bucket: dist.GradBucket, into: list[int] = synchronized
            ):  # type: ignore[no-untyped-def]
                into.append(bucket.index())
                average = bucket.buffer().div_(world_size())
                return (
                    dist.all_reduce(average, async_op=True)
                    .get_future()
                    .then(lambda done: done.value()[0])
                )

            ddp.register_comm_hook(None, counted)
            loss = ddp(part(batch, start, start + sizes[rank]))
            loss.backward()
            total = loss.detach().clone()
            dist.all_reduce(total)
            found[f"{name}/{micro_batch}"] = (
                total.item() / len(sizes),
                gradients(step),
                synchronized,
            )
    own = torch.full((sizes[rank], rank + 1), float(rank), requires_grad=True)
    everything = gather(own)
    (everything * torch.arange(len(everything)).unsqueeze(1)).sum().backward()
    found["gather"] = (everything.detach(), own.grad, mean_weight(sizes[rank], own.device))
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def material(
    cldr_pairs: PairsFolder,
    encoder: Encoder,
    encoder_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with an encoder and a batch of 24 pairs in which two texts stand twice, once across
    processes.
    """

    fields = (RandomAnchors(cached_negatives=24), WordNumbers())
    needs = BatchNeeds(masked_input=True, fields=fields)
    data = small_data(cldr_pairs, encoder.tokenizer, needs, batch_size=24)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    for key, value in batch.items():
        if key not in (NEGATIVES, PAIR_INDEX, SEED):
            for copy, original in ((20, 2), (4, 3)):
                for view in (0, 24) if has_rows(key) else (0,):
                    value[view + copy] = value[view + original].clone()
    folder = tmp_path_factory.mktemp("gather")
    torch.save(batch, folder / "batch.pt")
    (folder / "encoder").symlink_to(encoder_folder)
    for model_type in TYPES:
        model = make_model(
            model_type, vocab_size=len(encoder.tokenizer), max_position_embeddings=130
        )
        model.save_pretrained(folder / model_type)
        encoder.tokenizer.save_pretrained(folder / model_type)
    return folder


@pytest.fixture(scope="module", params=SIZES, ids="{} processes".format)
def ranks(material: Path, request: pytest.FixtureRequest) -> list[dict]:
    """What each of several processes found."""
    (material / "meet").unlink(missing_ok=True)
    start_server()
    arguments = (SIZES[request.param], material)
    mp.start_processes(work, arguments, nprocs=request.param, start_method="forkserver")
    return [torch.load(material / f"{rank}.pt", weights_only=True) for rank in range(request.param)]


def test_processes_together_take_the_step_of_one(material: Path, ranks: list[dict]) -> None:
    batch = torch.load(material / "batch.pt", weights_only=True)
    for name in steps_of(len(ranks)):
        step = make_step(name, material, None)
        loss = step(batch)
        loss.backward()
        expected = gradients(step)
        assert max(float(g.abs().max()) for g in expected.values()) > 1e-3
        for micro_batch in parts_of(name):
            for rank in ranks:
                together, got, synchronized = rank[f"{name}/{micro_batch}"]
                assert together == pytest.approx(loss.item(), abs=1e-5), name
                assert got.keys() >= expected.keys()
                for parameter, gradient in got.items():
                    wanted = expected.get(parameter, torch.zeros_like(gradient))
                    torch.testing.assert_close(
                        gradient, wanted, atol=1e-5, rtol=1e-4, msg=f"{name} {parameter}"
                    )
                assert sorted(synchronized) == list(range(len(synchronized))), "each bucket once"


def test_rows_come_in_the_order_of_ranks_with_their_own_gradient(ranks: list[dict]) -> None:
    world, sizes, start = len(ranks), SIZES[len(ranks)], 0
    for rank, size in zip(ranks, sizes, strict=True):
        everything, gradient, share = rank["gather"]
        assert everything[:, 0].tolist() == [
            float(r) for r, n in enumerate(sizes) for _ in range(n)
        ]
        assert everything.shape == (24, world)  # of the widest, padded with zeros
        assert gradient[:, 0].tolist() == [
            float(world * i) for i in range(start, start + size)
        ]  # summed over losses
        assert share == pytest.approx(world * size / 24)
        start += size


def test_alone_nothing_is_gathered() -> None:
    rows = torch.ones(2, 3)
    assert gather(rows) is rows
    assert world_size() == 1
    assert mean_weight(5, rows.device) == 1.0
