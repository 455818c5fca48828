"""Fine-tuning, and heads that have seen a few examples of the tested language."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.settings import raises
from transliconet.downstream.finetune import RECIPES, FineTuning
from transliconet.downstream.head import TrainingData
from transliconet.downstream.labelled import (
    ACCURACY,
    TEST,
    TRAIN,
    LabelledSplits,
    LabelledText,
    TaggedSentence,
)
from transliconet.downstream.shots import draw_shots
from transliconet.downstream.tables import LabelColumns, LabelledTables
from transliconet.downstream.transfer import TransferSettings, transfer
from transliconet.downstream.tuning_module import TunedWeights
from transliconet.language_tag import LanguageTag
from transliconet.model.encoder import Encoder

ENGLISH, RUSSIAN = LanguageTag("eng", "Latn"), LanguageTag("rus", "Cyrl")
QUICK: dict[str, Any] = {
    "learning_rate": 0.01,
    "batch_size": 4,
    "epochs": 8,
    "max_length": 32,
    "pooling": "mean",
    "trainer": {"accelerator": "cpu"},
}


def texts() -> list[LabelledText]:
    pairs = [("Россия", "land"), ("рубль", "money")] * 4
    return [LabelledText(str(i), RUSSIAN, text, label) for i, (text, label) in enumerate(pairs)]


def sentences() -> list[TaggedSentence]:
    made = []
    for number in range(8):
        # the second word yields no subword: its neighbours keep their own labels
        words = ("Россия", "", "рубль") if number % 2 else ("рубль", "", "Россия")
        tags = ["LAND" if word == "Россия" else "MONEY" for word in words]
        made.append(TaggedSentence(str(number), RUSSIAN, words, tags))
    return made


@pytest.mark.parametrize("make", [texts, sentences])
def test_a_task_is_learned_and_the_encoder_stays(
    make: Callable[[], Sequence[Any]], encoder: Encoder
) -> None:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    random_state = torch.get_rng_state()
    items = make()
    data = TrainingData(items, items, ACCURACY)
    head = FineTuning(**QUICK, weights=TunedWeights(dropout=0.0)).fit(encoder, data)
    predicted = head.predict(items)
    for found, item in zip(predicted, items, strict=True):
        seen = [0, 2] if len(item.labels) == 3 else [0]
        assert [found[place] for place in seen] == [item.labels[place] for place in seen]
        if len(found) == 3:
            assert found[1] == data.usual
    assert head.selected["dev_score"] == data.dev_score(predicted)
    assert 1 <= head.selected["epoch"] <= 8
    assert head.module.encoder.masked_lm.base_model.embeddings.dropout.training
    assert torch.equal(random_state, torch.get_rng_state())
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_frozen_word_embeddings_stay_and_a_seed_says_everything(encoder: Encoder) -> None:
    data = TrainingData(texts(), [], ACCURACY)
    heads = []
    for seed in (0, 0, 1):
        head = FineTuning(**{**QUICK, "epochs": 1}, weights=TunedWeights(frozen_embeddings=True))
        heads.append(head.fit(encoder, data, seed).module.encoder)
    embeddings = [found.masked_lm.get_input_embeddings().weight for found in heads]
    layers = [found.blocks[0].state_dict() for found in heads]
    original = encoder.masked_lm.get_input_embeddings().weight
    assert all(torch.equal(found, original) for found in embeddings)
    assert all(torch.equal(layers[0][name], layers[1][name]) for name in layers[0])
    assert not all(torch.equal(layers[0][name], layers[2][name]) for name in layers[0])


def test_the_best_epoch_counts(encoder: Encoder) -> None:
    """Scores of the epochs are given: the weights of the second one come back."""
    data = TrainingData(texts(), texts(), ACCURACY)
    scores = iter([0.1, 0.9, 0.9])
    kept: list[torch.Tensor] = []

    class Given(TrainingData):
        def dev_score(self, predicted: Sequence[Sequence[str]]) -> float:
            kept.append(next(iter(modules)).classifier[-1].weight.detach().clone())
            return next(scores)

    modules: list[Any] = []
    head_type = FineTuning(**{**QUICK, "epochs": 3})
    original = head_type._trainer

    def trainer(epochs: int) -> Any:
        made = original(epochs)
        fit = made.fit
        made.fit = lambda module, loader: (modules.append(module), fit(module, loader))
        return made

    object.__setattr__(head_type, "_trainer", trainer)
    head = head_type.fit(encoder, Given(data.train, data.dev, ACCURACY))
    assert head.selected["epoch"] == 2
    assert torch.equal(head.module.classifier[-1].weight, kept[1])
    assert not torch.equal(kept[1], kept[2])


def test_hyperparameters_by_name() -> None:
    assert FineTuning().hyperparameters(of_words=False) == RECIPES["sib200"]
    assert FineTuning().hyperparameters(of_words=True) == RECIPES["glot500_words"]
    changed = FineTuning(recipe="taxi1500", epochs=2).hyperparameters(of_words=False)
    assert changed == RECIPES["taxi1500"]._replace(epochs=2)
    for options, code in (
        ({"recipe": "best"}, "TLN-CONFIG-001"),
        ({"seeds": [1, 1]}, "TLN-CONFIG-656"),
        ({"epochs": 0}, "TLN-CONFIG-002"),
    ):
        with raises(code):
            FineTuning(**options)  # type: ignore[arg-type]


class Fixed:
    """A task with given splits."""

    def __init__(self, train: list[Any], test: list[Any]) -> None:
        self.splits = {TRAIN: train, "dev": [], TEST: test}

    def read(self) -> LabelledSplits[Any]:
        return LabelledSplits(self.splits)


class Remembering:
    """A head that remembers what it is fitted to, and answers with the label that it saw last."""

    name, seeds = "remembering", (3, 4)

    def __init__(self) -> None:
        self.fitted: list[list[str]] = []

    def layer_and_pooling(self, encoder: Encoder) -> tuple[int, str]:
        return 2, "mean"

    def fit(self, encoder: Encoder, data: TrainingData, seed: int) -> "Remembering":
        self.fitted.append([item.id for item in data.train])
        self.label = data.train[-1].labels[0]
        return self

    @property
    def selected(self) -> dict[str, Any]:
        return {}

    max_length = None

    def predict(self, items: Sequence[Any]) -> list[list[str]]:
        return [[self.label] for _ in items]


def test_shots_of_the_tested_language_are_learned_too(encoder: Encoder) -> None:
    train = [LabelledText("e", ENGLISH, "one", "a")]
    for number in range(6):
        train.append(LabelledText(f"r{number}", RUSSIAN, f"раз {number}", "ab"[number % 2]))
    test = [LabelledText("x", ENGLISH, "two", "a"), LabelledText("y", RUSSIAN, "два", "a")]
    head = Remembering()
    settings = TransferSettings(head=head, shots=2, romanizer="none")
    result = transfer(encoder, Fixed(train, test), settings)
    drawn = draw_shots(train, RUSSIAN, 2)
    assert sorted(item.label for item in drawn) == ["a", "a", "b", "b"]
    # one head for English, one for Russian and its shots, for each of two seeds
    assert head.fitted == [["e"], ["e", *(item.id for item in drawn)]] * 2
    assert {(record.seed, record.shots) for record in result.records} == {(3, 2), (4, 2)}
    assert [found["language"] for found in result.heads] == ["", "rus_Cyrl"] * 2
    with raises("TLN-CONFIG-653", naming="rus_Cyrl"):
        transfer(encoder, Fixed(train[:1], test), settings)


def test_the_files_of_taxi1500(tmp_path: Path) -> None:
    """No header: id, topic or its number, verse; the file's name says the language."""
    for lang in ("eng", "hin_Deva"):
        (tmp_path / f"{lang}_data").mkdir()
        for split in ("train", "dev", "test"):
            rows = [f"{split}1\tFaith\tverse {split} one", f"{split}2\t3\tverse {split} two"]
            file = tmp_path / f"{lang}_data" / f"{lang}_{split}.tsv"
            file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    data = LabelledTables(
        {"train": "*/*train.tsv", "dev": "*/*dev.tsv", "test": "*/*test.tsv"},
        LabelColumns(text=3, label=2, lang=None, id=1),
        tags="auto",
        labels=["Recommendation", "Faith", "Violence", "Grace", "Sin", "Description"],
        folder=tmp_path,
    ).read()
    assert not data.left_out
    found = {(str(t.lang), t.id, t.label) for t in data.texts[TEST]}
    assert found == {
        (lang, id_, label)
        for lang in ("eng_Latn", "hin_Deva")
        for id_, label in (("test1", "Faith"), ("test2", "Grace"))
    }
