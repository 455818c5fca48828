"""What a run, a sweep and a pairs folder's caches read back: damage gives one error or is made good.

TRANSLICONET_EXAMPLES=1000 draws that many cases of each kind.
"""

import json
import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.damage import STRANGE, damage_file, damaged_copy, examples
from tests.settings import SMALL, CliHere
from transliconet.errors import CheckpointError, DataError, TransliconetError
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchors import Teacher
from transliconet.pairs import PairsFolder
from transliconet.runs.folder import RUN_FILE, RunRecord, plan_run
from transliconet.runs.hf_folder import encoder_from_checkpoint, save_architecture
from transliconet.runs.spec import RunOutput, Settings
from transliconet.sweep.job import DONE, Job, read_sweep
from transliconet.sweep.plan import find_or_make_job
from transliconet.tokens.cache import cached_token_ids
from transliconet.train.checkpoint import BEST, best_checkpoint, callback_state, checkpoint_path
from transliconet.train.module import PREFIX

SETTINGS = Settings({"seed": 0, "optim": {"lr": 1e-3}}, [])


class Bomb:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.write_text, (self.path, "broken in"))


def seeds(few: int) -> range:
    return range(examples(few))


def test_the_file_of_a_job(tmp_path: Path) -> None:
    codes = []
    for seed in seeds(200):
        Job(tmp_path / "0", ["seed=0", "lr=1"], DONE, "", 3.5, {"native→romanized": 0.5}).write()
        damage_file(tmp_path / "0" / "job.json", random.Random(seed))
        try:
            for job in read_sweep(tmp_path):
                json.dumps([job.settings, job.accuracies, job.seconds + 1, job.error + ""])
            find_or_make_job(tmp_path, ["seed=0", "lr=1"], "0")
        except DataError as error:
            codes.append(error.code)
        shutil.rmtree(tmp_path / "0")
        shutil.rmtree(tmp_path / "1", ignore_errors=True)
    assert set(codes) <= {"TLN-DATA-880", "TLN-DATA-881"}
    assert len(codes) > examples(200) / 4


def run_folder(out: Path) -> Path:
    out.mkdir()
    (out / ".transliconet.json").write_text('{"kind": "run"}')
    (out / "checkpoints").mkdir()
    RunRecord("a", SETTINGS.values, 3, "12", 1).write(out)
    return out


def test_the_record_of_a_run(tmp_path: Path) -> None:
    """What cannot be read is not taken for a folder that is free."""
    codes = set()
    for seed in seeds(200):
        out = run_folder(tmp_path / "run")
        damage_file(out / RUN_FILE, random.Random(seed))
        for resume in (None, "last"):
            try:
                plan_run(RunOutput(out, resume=resume), SETTINGS)
            except TransliconetError as error:
                codes.add(error.code)
        assert plan_run(RunOutput(out, overwrite=True), SETTINGS).overwrite
        shutil.rmtree(out)
    assert codes == {"TLN-CONFIG-850", "TLN-CKPT-850", "TLN-CKPT-854"}


def test_the_marker_of_a_run(tmp_path: Path) -> None:
    for seed in seeds(50):
        out = run_folder(tmp_path / "run")
        damage_file(out / ".transliconet.json", random.Random(seed))
        with suppress(TransliconetError):
            plan_run(RunOutput(out), SETTINGS)
        shutil.rmtree(out)


def trained(encoder: Encoder, out: Path) -> Path:
    """A run folder with a last and a best checkpoint."""
    save_architecture(encoder, out)
    (out / "checkpoints").mkdir()
    state = {PREFIX + k: v for k, v in encoder.state_dict().items()}
    chosen = {"best_model_path": "elsewhere/step=2.ckpt", "monitor": "probe/x"}
    callbacks = {"RunCheckpoint": chosen, "RunState": {"settings": {}}}
    for name in ("last.ckpt", "step=2.ckpt"):
        torch.save({"state_dict": state, "callbacks": callbacks}, out / "checkpoints" / name)
    return out


def test_checkpoints_and_the_architecture_beside_them(encoder: Encoder, tmp_path: Path) -> None:
    intact = trained(encoder, tmp_path / "intact")
    assert best_checkpoint(intact) == "step=2.ckpt"
    refused = []
    for seed in seeds(60):
        run = damaged_copy(intact, tmp_path / "run", random.Random(seed))
        try:
            encoder_from_checkpoint(run, BEST)
            callback_state(run / "checkpoints" / "last.ckpt", "RunState")
        except CheckpointError as error:
            refused.append(str(error))
        shutil.rmtree(run)
    assert len(refused) > examples(60) / 4
    assert "weights_only" not in "".join(refused)  # torch's advice to run the code


def test_a_bomb_as_best_checkpoint(encoder: Encoder, tmp_path: Path) -> None:
    run = trained(encoder, tmp_path / "run")
    torch.save({"state_dict": Bomb(tmp_path / "hit")}, run / "checkpoints" / "step=2.ckpt")
    with pytest.raises(CheckpointError) as error:
        encoder_from_checkpoint(run, BEST)
    assert error.value.code == "TLN-CKPT-807"
    torch.save(Bomb(tmp_path / "hit"), run / "checkpoints" / "last.ckpt")
    with pytest.raises(CheckpointError):
        best_checkpoint(run)
    assert not (tmp_path / "hit").exists()


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: repr(value)[:20])
def test_checkpoints_with_values_of_other_types(value: Any, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / "last.ckpt"
    for content in (
        {"callbacks": value, "state_dict": value},
        {"callbacks": {"RunCheckpoint": value, "RunState": value}},
        {"callbacks": {"RunCheckpoint": {"best_model_path": value, "monitor": value}}},
        value,
    ):
        torch.save(content, file)
        with suppress(CheckpointError):
            checkpoint_path(tmp_path, BEST)
        with suppress(CheckpointError):
            assert isinstance(callback_state(file, "RunState"), dict)


@pytest.fixture(scope="module")
def pairs(cldr_pairs: PairsFolder, tmp_path_factory: pytest.TempPathFactory) -> PairsFolder:
    """A copy, whose caches may be damaged."""
    folder = tmp_path_factory.mktemp("pairs") / "pairs"
    shutil.copytree(cldr_pairs.path, folder, ignore=shutil.ignore_patterns("cache"))
    return PairsFolder.open(folder)


def test_caches_that_are_damaged_are_made_again(pairs: PairsFolder, encoder: Encoder) -> None:
    """Token ids, and the anchors beside them."""

    def tokens() -> Any:
        return cached_token_ids(pairs, encoder.tokenizer, 32)

    intact = tokens()
    anchors = np.array(Teacher(encoder)(intact))
    ids, folder = np.array(intact.native.values), intact.folder
    (file,) = folder.glob("anchors-*.npy")
    changed = bytearray(file.read_bytes())
    changed[-100] ^= 1  # one bit of a vector: shape and type stay
    file.write_bytes(changed)
    assert np.array_equal(Teacher(encoder)(intact), anchors)
    for seed in seeds(20):
        files = sorted(folder.rglob("*"))
        damage_file(random.Random(seed).choice(files), random.Random(seed))
        again = tokens()
        assert np.array_equal(again.native.values, ids)
        assert again.truncated == intact.truncated
        vectors = Teacher(encoder)(again)
        assert np.array_equal(vectors, anchors)
    shutil.rmtree(folder)
    assert np.array_equal(Teacher(encoder)(tokens()), anchors)


def spoil(value: Any, path: tuple, new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Where a checkpoint has something that Lightning restores."""
    if not isinstance(value, dict):
        return [path]
    found = [path] if path else []
    for key, child in value.items():
        if key != "state_dict":
            found += places(child, (*path, key))
    return found


def test_a_run_resumed_from_a_checkpoint_with_values_of_other_types(
    cldr_pairs: PairsFolder, cli_here: CliHere, tmp_path: Path
) -> None:
    short = (*SMALL, "objective=contrast", "trainer=cpu", "probe=none", "logger=csv")
    command = ("train", f"pairs={cldr_pairs.path}", *short)
    done = cli_here(*command, "trainer.max_steps=1", "out=run")
    assert done.status == 0, done.err
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    for seed in seeds(3):
        rng = random.Random(seed)
        content = torch.load(last, weights_only=True)
        path = rng.choice(places(content))
        spoil(content, path, rng.choice(STRANGE))
        torch.save(content, tmp_path / "spoilt.ckpt")
        resumed = (*command, "trainer.max_steps=2", f"out=resumed-{seed}", "resume=spoilt.ckpt")
        done = cli_here(*resumed)
        assert done.status in (0, 1), path
        assert done.err.count("error: ") == done.status, (path, done.err)
