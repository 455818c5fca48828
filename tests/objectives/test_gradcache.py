"""A batch encoded in parts has the loss and gradients of the whole."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from tests.batches import RandomAnchors, small_data
from transliconet.batch import ATTENTION_MASK, MASKED_IDS, PAIR_INDEX
from transliconet.model.encoder import Encoder
from transliconet.model.rows import train_new_rows
from transliconet.model.trainable import checkpoint_layers, set_dropout
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.base import Objective, combine
from transliconet.objectives.encode import CLEAN, MASKED, encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.objectives.word_alignment import WordAlignment
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import BatchNeeds
from transliconet.tokens.words import WordNumbers
from transliconet.train.module import PairModule

OBJECTIVES: dict[str, Objective] = {
    "tcm": TransliterationContrast(
        layer=[1, "last"], input=MASKED, temperature=0.1, exclude_overlap=1.0
    ),
    "mlm": MaskedLanguageModel(),
    "tlm": TransliterationLanguageModel(),
    "words": WordAlignment(),
    "anchor": AnchoredContrast(pull=1.0, replay=1.0, replay_share=0.5),
}


@pytest.fixture(scope="module")
def batch(cldr_pairs: PairsFolder, encoder: Encoder) -> dict[str, Tensor]:
    fields = (RandomAnchors(cached_negatives=7), WordNumbers())
    needs = BatchNeeds(masked_input=True, fields=fields)
    data = small_data(cldr_pairs, encoder.tokenizer, needs, batch_size=24)
    data.setup()
    return next(iter(data.train_dataloader()))


def new_rows_and_body(encoder: Encoder) -> None:
    encoder.masked_lm.config.original_vocabulary = 400
    train_new_rows(encoder, body=True)


def step(
    encoder: Encoder, batch: dict[str, Tensor], name: str, micro_batch: int | None
) -> tuple[float, list[Tensor]]:
    objective = OBJECTIVES[name]
    encoder.zero_grad()
    torch.manual_seed(0)
    encoded = encode(encoder, batch, objective.reads(encoder), objective.native_share, micro_batch)
    loss, _ = combine({name: objective}, encoded)
    loss.backward()
    return loss.item(), [p.grad.clone() for p in encoder.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("micro_batch", [1, 7, 1000])
def test_loss_and_gradients_are_those_of_the_whole_batch(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor], name: str, micro_batch: int
) -> None:
    encoder = make_encoder()
    loss, gradients = step(encoder, batch, name, None)
    in_parts, from_parts = step(encoder, batch, name, micro_batch)
    assert in_parts == pytest.approx(loss, abs=1e-5)
    assert len(gradients) == len(from_parts) > 20
    assert max(float(g.abs().max()) for g in gradients) > 1e-3
    for expected, got in zip(gradients, from_parts, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "change", [checkpoint_layers, new_rows_and_body], ids=lambda change: change.__name__
)
def test_layers_may_be_checkpointed_too_and_rows_be_fixed(
    make_encoder: Callable[..., Encoder],
    batch: dict[str, Tensor],
    change: Callable[[Encoder], None],
) -> None:
    encoder = make_encoder().train()
    set_dropout(encoder, 0.0)
    change(encoder)
    loss, gradients = step(encoder, batch, "mlm", None)
    in_parts, from_parts = step(encoder, batch, "mlm", 7)
    assert in_parts == pytest.approx(loss, abs=1e-5)
    assert len(gradients) == len(from_parts) > 20
    for expected, got in zip(gradients, from_parts, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


def test_parts_and_a_whole_kind_of_input_together_in_bfloat16(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor]
) -> None:
    """48 rows of clean input go in parts, 24 of joined input at once: neither may spoil the other's
    casts of weights.
    """
    encoder = make_encoder()
    both = {"tcm": TransliterationContrast(layer="last", input=CLEAN), "tlm": OBJECTIVES["tlm"]}
    reads = set().union(*(o.reads(encoder) for o in both.values()))
    found = []
    for micro_batch in (None, 24):
        encoder.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss, _ = combine(both, encode(encoder, batch, reads, micro_batch=micro_batch))
        loss.backward()
        found.append([p.grad.clone() for p in encoder.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 40
    for whole, in_parts in zip(*found, strict=True):
        assert torch.linalg.norm(in_parts - whole) < 0.02 * torch.linalg.norm(whole) + 1e-4


@pytest.mark.parametrize("names", [("tcm",), ("mlm", "tlm", "anchor")], ids=str)
@pytest.mark.parametrize("micro_batch", [None, 3])
def test_the_table_is_looked_up_once_whatever_is_encoded(
    make_encoder: Callable[..., Encoder],
    batch: dict[str, Tensor],
    names: tuple[str, ...],
    micro_batch: int | None,
) -> None:
    """Each look-up costs a gradient of all its rows, 1.2 GB with Glot500."""
    encoder = make_encoder()
    looked_up: list[int] = []
    encoder.masked_lm.get_input_embeddings().register_forward_hook(
        lambda _, ids, __: looked_up.append(ids[0].numel())
    )
    objectives = {name: OBJECTIVES[name] for name in names}
    reads = set().union(*(o.reads(encoder) for o in objectives.values()))
    loss, _ = combine(objectives, encode(encoder, batch, reads, micro_batch=micro_batch))
    loss.backward()
    assert len(looked_up) == 1


def test_parts_add_nothing_to_the_graph_but_themselves(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor]
) -> None:
    """What waits between the activations of parts keeps their memory from being used again."""
    encoder, objective = make_encoder(), OBJECTIVES["tcm"]
    counts = {}
    for parts in (2, 24):
        encoded = encode(encoder, batch, objective.reads(encoder), micro_batch=48 // parts)
        seen, waiting = set(), [state.grad_fn for state in encoded.states.values()]
        while waiting:
            node = waiting.pop()
            if node is not None and node not in seen:
                seen.add(node)
                waiting += [following for following, _ in node.next_functions]
        counts[parts] = Counter(node.name() for node in seen)
    assert counts[24] - counts[2] == Counter({"CheckpointFunctionBackward": 22})


def test_a_part_is_encoded_again_with_the_same_dropout(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor]
) -> None:
    encoder = make_encoder().train()
    objective = OBJECTIVES["tcm"]
    loss, gradients = step(encoder, batch, "tcm", 16)
    encoder.zero_grad()
    torch.manual_seed(0)
    rows = [batch[key].split(16) for key in (MASKED_IDS, ATTENTION_MASK)]
    parts = [
        encoder.hidden_states(ids, attention, {1, 2}) for ids, attention in zip(*rows, strict=True)
    ]

    class Replayed:
        """Gives the states of the parts, every graph kept."""

        layers, layer_number = encoder.layers, encoder.layer_number
        pooling_name = encoder.pooling_name

        def hidden_states(self, *_: object, **__: object) -> dict[int, Tensor]:
            return {layer: torch.cat([part[layer] for part in parts]) for layer in (1, 2)}

    # type: ignore[arg-type]
    combined, _ = combine({"tcm": objective}, encode(Replayed(), batch, objective.reads(encoder)))
    combined.backward()
    assert combined.item() == pytest.approx(loss, abs=1e-6)
    expected = [p.grad for p in encoder.parameters() if p.grad is not None]
    for got, want in zip(gradients, expected, strict=True):
        torch.testing.assert_close(got, want, atol=1e-6, rtol=1e-4)


def test_no_more_than_a_part_is_ever_encoded_at_once(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor]
) -> None:
    encoder = make_encoder()
    rows: list[int] = []
    original = encoder.hidden_states

    def watched(ids: Tensor, *rest, **named):  # type: ignore[no-untyped-def]
        rows.append(len(ids))
        return original(ids, *rest, **named)

    encoder.hidden_states = watched  # type: ignore[method-assign]
    objective = TransliterationContrast(layer="last", input=CLEAN)
    encoded = encode(encoder, batch, objective.reads(encoder), micro_batch=10)
    forward = list(rows)
    objective(encoded)["tcm"].backward()
    assert sum(forward) == 2 * len(batch[PAIR_INDEX])
    assert max(forward) == 10
    assert rows[len(forward) :] == forward[::-1]  # each once more, the last first


def test_a_run_in_parts_ends_in_the_weights_of_one_that_is_not(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> None:
    ends = []
    for micro_batch in (None, 7):
        encoder = make_encoder()
        set_dropout(encoder, 0.0)
        objectives = {"mlm": OBJECTIVES["mlm"], "tcm": OBJECTIVES["tcm"]}
        module = PairModule(
            encoder, objectives, partial(torch.optim.SGD, lr=0.1), micro_batch=micro_batch
        )
        trainer = pl.Trainer(
            max_steps=2,
            accumulate_grad_batches=2,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        trainer.fit(
            module,
            datamodule=small_data(cldr_pairs, encoder.tokenizer),
        )
        ends.append(encoder.state_dict())
    start = make_encoder().state_dict()
    assert max(float((value - start[name]).abs().max()) for name, value in ends[0].items()) > 1e-2
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, atol=1e-5, rtol=1e-4)
