"""Online mixing: the updates, the measurements, and runs that are stopped and resumed."""

import inspect
import textwrap
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from tests.batches import small_data
from tests.settings import raises
from tests.train.test_resume import Stop, StopBefore
from transliconet.batch import PAIR_INDEX
from transliconet.data.datamodule import PairsDataModule
from transliconet.data.sampler import BatchPlan
from transliconet.model.encoder import Encoder
from transliconet.objectives.base import combine
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.train.aioli import Aioli, interactions, perturbed
from transliconet.train.checkpoint import AtomicCheckpointIO
from transliconet.train.dga import GradientAlignment
from transliconet.train.language_loss import LanguageLosses
from transliconet.train.mixing import OnlineMixing, bounded, exponentiated
from transliconet.train.module import PairModule

LANGUAGES = ["kat_Geor", "rus_Cyrl", "tha_Thai"]


def test_a_step_of_exponentiated_gradient() -> None:
    shares = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    stepped = exponentiated(shares, torch.tensor([0.0, np.log(2), -np.log(2)]), eta=2.0)
    # weights 0.5, 0.25 · 4, 0.25 / 4
    assert stepped.tolist() == pytest.approx([0.32, 0.64, 0.04])


@given(st.lists(st.floats(1e-6, 1), min_size=2, max_size=8), st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_bounded_shares_add_up_and_keep_their_least(raw: list[float], least: float) -> None:
    shares = torch.tensor(raw, dtype=torch.float64)
    shares, first = shares / shares.sum(), shares.flip(0) / shares.sum()
    found = bounded(shares, least * first)
    assert found.sum().item() == pytest.approx(1)
    assert bool((found >= least * first - 1e-12).all())
    grown = shares > least * first
    ratios = (found / shares)[grown & (found > least * first + 1e-12)]
    assert bool((ratios - ratios.mean()).abs().max() < 1e-6) if len(ratios) else True


@given(st.integers(2, 6), st.floats(0.1, 1), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_influences_are_found_from_the_decreases_they_cause(
    number: int, strength: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    influence = torch.from_numpy(rng.normal(size=(number, number)))
    mixtures = perturbed(torch.from_numpy(rng.dirichlet(np.ones(number))), strength)
    assert mixtures.sum(1).tolist() == pytest.approx([1] * number)
    found = interactions(mixtures, mixtures @ influence.T)
    assert torch.allclose(found, influence, atol=1e-8)


class LinearLosses:
    """In place of an encoder: losses that fall as the languages influence them."""

    def __init__(self, influence: Tensor, method: OnlineMixing) -> None:
        self.influence, self.method = influence, method
        self.now = torch.full((len(influence),), 100.0, dtype=torch.float64)

    def train(self) -> None:
        self.now = self.now - self.influence @ torch.tensor(self.method.memory["drawn"]).double()

    def losses(self) -> Tensor:
        return self.now


def test_aioli_draws_more_of_the_language_that_helps_all() -> None:
    method = Aioli(eta=0.5, estimating=0.5, least=0.05)
    helpful = torch.tensor([[1.0, 0.9, 0.0], [0.0, 1.0, 0.0], [0.0, 0.9, 1.0]]).double()
    losses = LinearLosses(helpful, method)
    shares = torch.tensor([0.5, 0.1, 0.4], dtype=torch.float64)
    method.memory = {"first": shares.tolist(), "shares": shares.tolist()}
    method.begin(shares, losses)  # type: ignore[arg-type]
    method.memory["drawn"] = method.drawn(shares).tolist()
    drawn = []
    for _ in range(6 * 3):  # three periods of three perturbed and three plain parts
        losses.train()
        drawn.append(method.memory["drawn"])
        shares = method.update(shares, losses)  # type: ignore[arg-type]
        method.memory["drawn"] = method.drawn(shares).tolist()
    assert method.memory["period"] == 3
    # column sums 1, 2.8 and 1: after a period, shares times exp(0.5 · (1/2.8, 1, 1/2.8))
    step = np.exp(0.5 * np.array([1 / 2.8, 1, 1 / 2.8])) * [0.5, 0.1, 0.4]
    assert drawn[3] == pytest.approx(step / step.sum(), rel=1e-6)
    assert drawn[3] == drawn[4] == drawn[5]
    assert shares[1] > 0.22
    assert len({tuple(np.round(each, 3)) for each in drawn[:3]}) == 3


@pytest.fixture
def measure(encoder: Encoder, cldr_pairs: PairsFolder) -> LanguageLosses:
    contrast = TransliterationContrast(layer=1)
    module = PairModule(deepcopy(encoder), {"tcm": contrast}, partial(torch.optim.SGD, lr=0.1))
    module.encoder.train()  # as during a run; a copy, since other tests share the encoder
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, languages=LANGUAGES)
    data.setup()
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    return LanguageLosses(trainer, module, data, pairs=8)


def test_losses_are_of_one_language_and_of_the_same_pairs(measure: LanguageLosses) -> None:
    plans: list[BatchPlan] = []
    make = measure.data.batch
    measure.data.batch = lambda plan: plans.append(plan) or make(plan)  # type: ignore
    losses = measure.losses()
    assert torch.equal(losses, measure.losses())
    assert measure.tags == LANGUAGES
    pairs = measure.data.pairs
    assert pairs is not None
    for tag, plan in zip(LANGUAGES, plans[:3], strict=True):
        assert {pairs.tags[number] for number in pairs.languages[plan.indices]} == {tag}
        assert len(set(plan.indices)) == 8
    assert [p.indices.tolist() for p in plans[3:]] == [p.indices.tolist() for p in plans[:3]]
    assert measure.module.encoder.training


def test_alignments_are_inner_products_of_gradients(measure: LanguageLosses) -> None:
    plans: list[BatchPlan] = []
    make = measure.data.batch
    measure.data.batch = lambda plan: plans.append(plan) or make(plan)  # type: ignore
    found = measure.alignments(["rus_Cyrl"], turn=3)
    module = measure.module
    assert all(weight.grad is None for weight in module.parameters())
    module.encoder.eval()
    gradients = []
    for plan in plans:
        module.zero_grad()
        combine(module.objectives, module.encode(make(plan)))[0].backward()
        grads = [weight.grad.flatten() for weight in module.parameters() if weight.grad is not None]
        gradients.append(torch.cat(grads).double())
    module.zero_grad()
    target, *own = gradients
    expected = [(gradient @ target).item() for gradient in own]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    other = measure.alignments(["rus_Cyrl"], turn=4)
    assert not torch.equal(found, other)  # other pairs each time


Fit = Callable[..., dict[str, Tensor]]


@pytest.fixture
def fit(encoder: Encoder, cldr_pairs: PairsFolder) -> Fit:
    """Trains 20 batches, accumulated by twos; gives the weights."""

    def run(
        folder: Path, mixing: OnlineMixing | None, stop: int | None = None, **options: object
    ) -> dict[str, Tensor]:
        trained = deepcopy(encoder)
        parts = {"tcm": TransliterationContrast(layer=1)}
        module = PairModule(trained, parts, partial(torch.optim.AdamW, lr=1e-3))
        chosen = {"languages": LANGUAGES, "batch_size": 40, "window": 3, **options}
        data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, **chosen)
        own: list[pl.Callback] = []
        if mixing is not None:
            mixing.bind(data)
            own.append(mixing)
        saving = ModelCheckpoint(folder, save_last=True, save_top_k=0, every_n_train_steps=1)
        resume = folder / "last.ckpt"
        trainer = pl.Trainer(
            max_steps=10,
            accumulate_grad_batches=2,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[*own, saving, *([StopBefore(stop)] if stop is not None else [])],
            plugins=[AtomicCheckpointIO()],
        )
        start = resume if resume.exists() else None
        try:
            trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
        except Stop:
            return {}
        return {name: value.clone() for name, value in trained.state_dict().items()}

    return run


@pytest.mark.parametrize("kind", ["schedule", "aioli", "dga"])
def test_a_run_whose_shares_change_resumes_exactly(fit: Fit, kind: str, tmp_path: Path) -> None:
    options = {"alpha": [0.7, 0.3], "weights": {"tha_Thai": 2.0}} if kind == "schedule" else {}

    def mixing() -> OnlineMixing | None:
        if kind == "aioli":
            return Aioli(every_n_batches=3, estimating=0.75, eta=1.0, pairs=6)
        return None if kind == "schedule" else GradientAlignment(3, eta=1.0, pairs=6)

    method = mixing()
    whole = fit(tmp_path / "whole", method, **options)
    assert fit(tmp_path / "parts", mixing(), stop=11, **options) == {}
    resumed_method = mixing()
    resumed = fit(tmp_path / "parts", resumed_method, **options)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    if method is not None and resumed_method is not None:
        assert method.memory == resumed_method.memory
        assert method.batches == resumed_method.batches == 20
        assert method.memory["shares"] != method.memory["first"]


def test_the_example_of_the_documentation_mixes(fit: Fit, tmp_path: Path) -> None:
    docstring = inspect.getdoc(OnlineMixing) or ""
    code = docstring.partition("::")[2].partition("Args:")[0]
    names: dict = {}
    exec(textwrap.dedent(code), names)
    method = names["HardestFirst"](every_n_batches=5, pairs=6)
    fit(tmp_path, method)
    assert method.seconds > 0
    # 20 batches: four steps, each of which changes the logarithm of a share by less than 0.1
    first, last = (np.log(method.memory[name]) for name in ("first", "shares"))
    assert 0 < np.abs(last - first).max() < 4 * 0.1


def test_the_first_batches_are_of_the_first_perturbed_mixture(
    encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    module = PairModule(
        deepcopy(encoder),
        {"tcm": TransliterationContrast(layer=1)},
        partial(torch.optim.SGD, lr=0.1),
    )
    data = small_data(cldr_pairs, encoder.tokenizer, module.batch_needs, languages=LANGUAGES)
    method, seen = Aioli(every_n_batches=2, strength=0.9, pairs=6), Seen(data)
    method.bind(data)
    trainer = pl.Trainer(
        max_steps=6,
        accelerator="cpu",
        logger=False,
        callbacks=[method, seen],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
    order = np.random.default_rng(0).permutation(3)
    method.bind(data)
    assert method.memory == {}  # a second run begins anew
    for part, language in enumerate(order):
        both = seen.languages[2 * part] + seen.languages[2 * part + 1]
        assert both.count(LANGUAGES[language]) >= 0.85 * len(both)


class Seen(pl.Callback):
    """The languages of each batch."""

    def __init__(self, data: PairsDataModule) -> None:
        self.data = data
        self.languages: list[list[str]] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: dict, batch_idx: int
    ) -> None:
        pairs = self.data.pairs
        assert pairs is not None
        numbers = pairs.languages[batch[PAIR_INDEX].numpy()]
        self.languages.append([pairs.tags[number] for number in numbers])


@pytest.mark.parametrize(
    ("options", "code", "naming"),
    [
        ({"workers": 1}, "TLN-CONFIG-810", "workers"),
        ({"by_language": True}, "TLN-CONFIG-810", "by_language"),
        ({"alpha": [0.7, 0.3]}, "TLN-CONFIG-812", "alpha"),
        ({"languages": ["tha_Thai"]}, "TLN-CONFIG-811", "target"),
    ],
)
def test_batches_that_cannot_follow_are_refused(
    options: dict, code: str, naming: str, encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    data = small_data(cldr_pairs, encoder.tokenizer, **options)
    with raises(code, naming):
        GradientAlignment(target=["rus_Cyrl"]).bind(data)


@pytest.mark.parametrize("options", [{"eta": 0}, {"least": 0}, {"strength": 1.1}, {"pairs": 1}])
def test_numbers_out_of_range_are_refused(options: dict) -> None:
    with raises("TLN-CONFIG-002", next(iter(options))):
        Aioli(**options)
