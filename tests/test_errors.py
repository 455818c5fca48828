"""Errors: what a library user reads, what the command line adds, and a stable code for each."""

import pickle

import pytest
from omegaconf import OmegaConf

from transliconet.cli.build import build
from transliconet.errors import ConfigError, DataError, Option, require_range, section

TCM = {"_target_": "transliconet.objectives.tcm.TransliterationContrast", "weight": -1}


def test_a_class_names_its_option_alone_and_sections_add_the_path() -> None:
    with pytest.raises(ConfigError) as caught, section("objective"), section("tcm"):
        require_range("weight", -1, least=0)
    assert str(caught.value).startswith("weight=-1: ")
    assert caught.value.with_section().startswith("objective.tcm.weight=-1: ")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.with_section() == caught.value.with_section()


def test_a_file_has_no_section() -> None:
    with pytest.raises(DataError) as caught, section("corpus"):
        raise DataError("a.txt", "empty", "Take another", code="TLN-DATA-000")
    assert caught.value.with_section() == "a.txt: empty. Take another [TLN-DATA-000]"


@pytest.mark.parametrize(
    ("section_of_train", "named"),
    [
        ({"objective": {"tcm": TCM}}, "objective.tcm.weight=-1"),
        (
            {
                "data": {
                    "_target_": "builtins.dict",
                    "augment": {
                        "_target_": "transliconet.tokens.noise.Augment",
                        "typed": 2,
                    },
                }
            },
            "data.augment.typed=2",
        ),
    ],
    ids=["a section of a section", "an argument that is built first"],
)
def test_build_names_the_section_of_what_it_builds(section_of_train: dict, named: str) -> None:
    cfg = OmegaConf.create(section_of_train)
    (name,) = section_of_train
    with pytest.raises(ConfigError) as caught:
        build(cfg[name])
    assert caught.value.with_section().startswith(f"{named}: ")


def test_an_option_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(Option("weight", "a=b"))) == Option("weight", "a=b")
