"""An objective in a module of one's own is trained with from the command line: the example of the
documentation, and one that reads a batch field of its own.
"""

import csv
import inspect
import os
import textwrap
from pathlib import Path

import pytest
import torch

from tests.batches import small_data
from tests.settings import SMALL, RunCli
from transliconet.batch import register_field
from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.base import Objective, batch_needs
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.word_alignment import WordAlignment
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import BatchField, BatchNeeds, BatchRows

WITH_A_FIELD = '''
import torch
from transliconet.batch import register_field
from transliconet.tokens.fields import BatchField, BatchRows

{field}

@dataclass(frozen=True)
class LanguageGap(Objective):
    """The mean native vector of each language and its mean romanized vector come together."""

    weight: float = 1.0

    def reads(self, encoder):
        return {{StateRequest(CLEAN, encoder.layers, "mean")}}

    def fields(self, encoder):
        return [Languages()]

    def __call__(self, encoded):
        native, romanized = encoded.views(StateRequest(CLEAN, encoded.encoder.layers, "mean"))
        language = encoded.batch[LANGUAGE]
        sums = native.new_zeros(int(language.max()) + 1, native.shape[1])
        return {{"language_gap": sums.index_add(0, language, native - romanized).norm(dim=1).mean()}}
'''


def example_of(documented: type) -> str:
    """The indented code of a docstring."""
    docstring = inspect.getdoc(documented) or ""
    code = [line for line in docstring.splitlines() if line.startswith("    ") or not line.strip()]
    return textwrap.dedent("\n".join(code)).strip()


def test_an_objective_and_its_field_are_trained_from_the_command_line(
    cldr_pairs: PairsFolder, run_cli: RunCli, tmp_path: Path
) -> None:
    example = example_of(Objective)
    assert 9 <= len(example.splitlines()) <= 16
    with_a_field = WITH_A_FIELD.format(
        field=example_of(BatchField).replace("Tensor", "torch.Tensor")
    )
    (tmp_path / "lengths.py").write_text(f"{example}\n{with_a_field}")
    done = run_cli(
        "train",
        f"pairs={cldr_pairs.path}",
        "out=run",
        *SMALL,
        "objective=parts",
        "+objective.mine={_target_: lengths.LengthGap, weight: 0.1}",
        "+objective.languages={_target_: lengths.LanguageGap, weight: 1}",
        "trainer=cpu",
        "trainer.max_steps=4",
        "trainer.max_epochs=null",
        "trainer.log_every_n_steps=1",
        "data.workers=1",
        "probe=none",
        "logger=csv",
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )
    assert done.status == 0, done.err
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["loss"]]
    assert len(rows) == 4
    for row in rows:
        gaps = 0.1 * float(row["loss/length_gap"]) + float(row["loss/language_gap"])
        assert float(row["loss"]) == pytest.approx(gaps, rel=1e-5)
        assert gaps > 0


def test_each_field_is_made_once_and_only_where_it_is_needed(encoder: Encoder) -> None:
    words = {"a": WordAlignment(layer=1), "b": WordAlignment(layer=2)}
    needs = batch_needs(words, encoder)
    assert (len(needs.fields), needs.masked_input) == (1, False)
    assert batch_needs({"mlm": MaskedLanguageModel()}, encoder) == BatchNeeds(masked_input=True)
    same = {"a": AnchoredContrast(), "b": AnchoredContrast(temperature=0.5)}
    assert len(batch_needs(same, encoder).fields) == 1
    with pytest.raises(ConfigError) as error:
        batch_needs({"a": AnchoredContrast(), "b": AnchoredContrast(layer=1)}, encoder)
    assert error.value.code == "TLN-CONFIG-301"


def test_a_name_stands_for_one_field() -> None:
    register_field("twice", "(B,) int64", "pair")
    register_field("twice", "(B,) int64", "pair")
    with pytest.raises(ConfigError) as error:
        register_field("twice", "(2B, L) bool", "token")
    assert error.value.code == "TLN-CONFIG-010"


class Constant(BatchField):
    """A field of a fixed shape."""

    def __init__(self, name: str, *shape: int) -> None:
        self.names, self.shape = (name,), shape

    def make(self, rows: BatchRows) -> dict[str, torch.Tensor]:
        return {self.names[0]: torch.zeros(self.shape)}


@pytest.mark.parametrize(
    ("axis", "shape", "fits"),
    [
        ("pair", (16, 3), True),
        ("pair", (32, 3), False),
        ("row", (32,), True),
        ("token", (32,), False),
        ("batch", (), True),
    ],
)
def test_a_field_must_have_the_shape_it_is_registered_with(
    axis: str, shape: tuple[int, ...], fits: bool, cldr_pairs: PairsFolder, encoder: Encoder
) -> None:
    name = register_field(f"constant of {axis} {shape}", "", axis)  # type: ignore[arg-type]
    data = small_data(cldr_pairs, encoder.tokenizer, BatchNeeds(fields=(Constant(name, *shape),)))
    data.setup()
    batches = iter(data.train_dataloader())
    if fits:
        assert next(batches)[name].shape == shape
        return
    with pytest.raises(ConfigError) as error:
        next(batches)
    assert error.value.code == "TLN-CONFIG-302"


def test_a_field_that_is_not_registered_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        BatchNeeds(fields=(Constant("no such field"),))
    assert error.value.code == "TLN-CONFIG-300"
