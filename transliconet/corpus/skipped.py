"""``skipped.jsonl``: where a line that was kept out stood, why, and what to do about it."""

import json
from collections.abc import Iterable, Mapping

REMEDIES = {
    "duplicate": "duplicates=keep keeps them",
    "duplicate_id": "give every line of a language an id of its own",
    "empty": "the lines are blank",
    "empty_romanization": "choose another romanizer",
    "fuzzy": "the translation is marked as unsure; review it",
    "identical": "unchanged=flag keeps them",
    "in_evaluation_set": "the text is in a file of exclude",
    "invalid_json": "write one JSON object a line",
    "invalid_utf8": "convert the file to UTF-8",
    "latin_script": "latin=true takes them",
    "lone_surrogate": "convert the file to UTF-8",
    "missing_field": "name the column or field that holds the text",
    "near_duplicate": "raise near_duplicates",
    "not_sampled": "raise fraction or max_lines",
    "nul_byte": "remove the NUL bytes, or convert the file to UTF-8",
    "other_script": "lower script_share, or correct the tag",
    "romanizer_error": "romanizer_errors=fallback keeps them",
    "too_long": "raise max_chars",
    "too_short": "lower min_chars",
    "unreadable_rest": "the file is damaged; copy it again",
    "untranslated": "the catalogue has no translation",
    "wrong_language_tag": "write ISO 639-3 and ISO 15924, as in hin_Deva",
}
"""Reason → what helps. A reason that is missing here explains itself."""

EXCERPT = 60
"""Characters of a text that are shown."""


def skipped_entry(
    place: tuple[str, int], lang: str, reason: str, detail: str = "", text: str = ""
) -> str:
    """One line of ``skipped.jsonl``.

    Args:
        place: the source and the number of the line in it.
        lang: the tag, or what stood in its place.
        reason: a stable name, e.g. ``too_long``.
        detail: what is particular to this line.
        text: the text of the line; its beginning is listed.

    Returns:
        A JSON object and a line end.
    """
    source, number = place
    entry: dict[str, object] = {"source": source, "number": number, "lang": lang}
    entry |= {"reason": reason, "detail": detail}
    if text:
        entry["text"] = text[:EXCERPT]
    return json.dumps(entry, ensure_ascii=False).encode(errors="replace").decode() + "\n"


def explain_skips(lines: Iterable[str], first: int = 3) -> str:
    """Explain the first lines that were dropped.

    Args:
        lines: of ``skipped.jsonl``.
        first: number of lines to explain.

    Returns:
        Place, reason, value and remedy of each.
    """
    said = []
    for line in lines:
        said.append(_explain(json.loads(line)))
        if len(said) == first:
            break
    return "; ".join(said)


def _explain(entry: Mapping[str, object]) -> str:
    reason = str(entry["reason"])
    text = entry.get("text", "")
    value = entry["detail"] or (f"{text!r}" if text else "")
    parts = [f"{entry['source']}:{entry['number']} ({entry['lang']}) {reason}"]
    if value:
        parts.append(f": {value}")
    if remedy := REMEDIES.get(reason):
        parts.append(f" ({remedy})")
    return "".join(parts)
