"""``transliconet prepare``: text → pairs folder."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.app import build, hydra_command
from transliconet.corpus.prepare import Estimate, Recipe, estimate
from transliconet.corpus.prepare import prepare as prepare_pairs
from transliconet.pairs import PairsFolder
from transliconet.romanizers.registry import romanizer


def prepare(cfg: DictConfig) -> PairsFolder | Estimate:
    """Write the pairs folder that ``cfg`` describes, or with ``cfg.dry_run`` estimate it."""
    reader = build({k: v for k, v in cfg.corpus.items() if k != "romanizer"})
    recipe = Recipe(build(cfg.clean), build(cfg.sample), build(cfg.rules))
    roman = romanizer(cfg.corpus.romanizer)
    if cfg.dry_run:
        return estimate(reader, roman, recipe, progress=cfg.progress)
    return prepare_pairs(
        reader,
        roman,
        out=cfg.out,
        recipe=recipe,
        engine=cfg.engine,
        processes=cfg.processes,
        overwrite=cfg.overwrite,
        progress=cfg.progress,
    )


def summary(languages: Mapping[str, Mapping[str, Any]]) -> str:
    """What was read, kept and dropped, as a table."""
    reasons = sorted({r for counts in languages.values() for r in counts["dropped"]})
    columns = ["read", "kept", "heldout", "identical", "fallback"]
    rows = [
        [tag, *(counts[c] for c in columns), *(counts["dropped"].get(r, 0) for r in reasons)]
        for tag, counts in languages.items()
    ]
    rows.append(
        ["all", *(sum(r[i] for r in rows) for i in range(1, 1 + len(columns) + len(reasons)))]
    )
    return tabulate(rows, ["", *columns, *(f"dropped: {r}" for r in reasons)], tablefmt="simple")


def _estimate_text(result: Estimate, processes: int) -> str:
    scripts = {tag.split("_")[1] for tag, counts in result.languages.items() if counts["kept"]}
    kept = sum(counts["kept"] for counts in result.languages.values())
    minutes = result.seconds / processes / 60
    return (
        f"{summary(result.languages)}\n\ndry run: {kept} lines in {len(result.languages)} languages and {len(scripts)} "
        f"scripts would be romanized, in about {minutes:.1f} min with processes={processes}; nothing was written"
    )


@hydra_command("prepare")
def main(cfg: DictConfig) -> None:
    result = prepare(cfg)
    if isinstance(result, Estimate):
        print(_estimate_text(result, cfg.processes))
        return
    languages = result.manifest["languages"]
    print(
        f"{summary(languages)}\n\n{result.table.num_rows} pairs in {len(languages)} languages: {cfg.out}"
    )
    if result.manifest["dropped"]:
        print(f"every line that was kept out, with its reason: {result.path / 'skipped.jsonl'}")
