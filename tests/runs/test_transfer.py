"""A task before, during and after training."""

from pathlib import Path

import transliconet as tn
from tests.settings import SMALL, CliHere
from transliconet.pairs import PairsFolder
from transliconet.probe.results import read_results_file

TASK = (
    "transfer=cldr",
    "transfer.task.languages=[eng_Latn,kat_Geor]",
    "transfer.task.kinds=[territories,currencies]",
    "transfer.settings.romanizer=none",
    "transfer.head.strengths=[0.1]",
)


def test_a_task_chooses_the_checkpoint(cldr_pairs: PairsFolder, cli_here: CliHere) -> None:
    done = cli_here(
        "train",
        f"pairs={cldr_pairs.path}",
        *SMALL,
        *TASK,
        "objective=contrast",
        "trainer=cpu",
        "trainer.precision=32-true",
        "trainer.max_steps=2",
        "logger=csv",
        "probe.candidates.max=20",
        "probe_every_n_steps=1",
        "checkpoint.every_n_train_steps=1",
        "checkpoint.save_top_k=1",
        "checkpoint.monitor='probe/transfer/romanized'",
        "out=run",
    )
    assert done.status == 0, done.err
    assert "after: cldr, linear head trained on eng_Latn" in done.out
    assert "best by probe/transfer/romanized" in done.out
    content = read_results_file("run/results.json").content
    found = {(r["stage"], r["language"], r["view"]) for r in content["transfer"]}
    rows = {("eng_Latn", "native"), ("kat_Geor", "native"), ("kat_Geor", "romanized")}
    assert found == {(stage, *row) for stage in ("before", "after") for row in rows}
    heads = {head["stage"]: head["dev_score"] for head in content["heads"]}
    metrics = Path("run/metrics.csv").read_text(encoding="utf-8").splitlines()
    names, last = metrics[0].split(","), metrics[-1].split(",")
    logged = dict(zip(names, last, strict=True))
    assert float(logged["probe/transfer/dev"]) == heads["after"]
    compared = tn.compare("run", metric="accuracy")
    assert [task.task for task in compared.tasks] == ["cldr, native", "cldr, romanized"]
    frame = tn.frame("run")
    assert frame.view.notna().sum() == 6
    assert set(frame.stage) == {"before", "after"}
