"""Any path can be the value of an override."""

from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from transliconet.sweep.overrides import quoted, without_interpolation

AWKWARD = st.text(alphabet=st.sampled_from(list(",()=[]{}'\"$\\: ab/é&|;#%")), max_size=12)


def as_hydra_reads(override: str) -> str:
    """The value that a run's configuration has after an override."""
    parsed = OverridesParser.create().parse_override(override)
    cfg = OmegaConf.create({"out": None, "run_dir": "${out}"})
    OmegaConf.update(cfg, "out", parsed.value())
    assert cfg.run_dir == cfg.out
    return str(cfg.out)


@given(AWKWARD)
def test_a_quoted_value_comes_back_as_it_was(value: str) -> None:
    assert as_hydra_reads(f"out={quoted(value)}") == value


@given(AWKWARD)
def test_a_value_in_a_configuration_is_no_interpolation(value: str) -> None:
    assert OmegaConf.create({"out": without_interpolation(value)}).out == value
