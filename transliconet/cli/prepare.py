"""``transliconet prepare``: text → pairs folder."""

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.app import build, hydra_command
from transliconet.corpus.pairs import PairsFolder
from transliconet.corpus.prepare import prepare as prepare_pairs
from transliconet.corpus.romanize import romanizer


def prepare(cfg: DictConfig) -> PairsFolder:
    """Write the pairs folder that ``cfg`` describes."""
    reader = build({k: v for k, v in cfg.corpus.items() if k != "romanizer"})
    return prepare_pairs(
        reader,
        romanizer(cfg.corpus.romanizer),
        out=cfg.out,
        rules=build(cfg.rules),
        processes=cfg.processes,
        overwrite=cfg.overwrite,
        progress=cfg.progress,
    )


def summary(pairs: PairsFolder) -> str:
    """What was read, kept and dropped, as a table."""
    languages = pairs.manifest["languages"]
    reasons = list(pairs.manifest["dropped"])
    columns = ["read", "kept", "heldout", "identical"]
    rows = [
        [tag, *(counts[c] for c in columns), *(counts["dropped"].get(r, 0) for r in reasons)]
        for tag, counts in languages.items()
    ]
    rows.append(["all", *(sum(r[i] for r in rows) for i in range(1, 1 + len(columns) + len(reasons)))])
    return tabulate(rows, ["", *columns, *(f"dropped: {r}" for r in reasons)], tablefmt="simple")


@hydra_command("prepare")
def main(cfg: DictConfig) -> None:
    pairs = prepare(cfg)
    print(
        f"{summary(pairs)}\n\n{pairs.table.num_rows} pairs in {len(pairs.manifest['languages'])} languages: {cfg.out}"
    )
    if pairs.manifest["dropped"]:
        print(f"every dropped line, with its reason: {pairs.path / 'skipped.jsonl'}")
