"""What `archiver doctor` prints."""

from __future__ import annotations

from dataclasses import asdict

from archiver.jobs.diagnosed import OK, WARNING, WRONG
from archiver.jobs.doctor import Diagnosis
from archiver.render.text import as_json as print_json
from archiver.render.text import line, safe

STYLES = {OK: "green", WARNING: "yellow", WRONG: "bold red"}


def print_diagnosis(found: Diagnosis, *, as_json: bool) -> None:
    """One line for each thing that was looked at, the next step under what needs one, and how many there were."""
    if as_json:
        print_json({**asdict(found), "exit_code": found.code})
        return
    for sign in found.signs:
        place = f" ({safe(sign.place)})" if sign.place else ""
        line((f"{sign.state:<8}", STYLES[sign.state]), f"{sign.check}: {safe(sign.what)}{place}")
        if sign.next and sign.state != OK:
            line(f"        → {safe(sign.next)}")
    counts = {state: sum(sign.state == state for sign in found.signs) for state in (WRONG, WARNING)}
    if not any(counts.values()):
        line(("All is well.", "green"))
    else:
        words = {WRONG: WRONG, WARNING: WARNING if counts[WARNING] == 1 else f"{WARNING}s"}
        line(", ".join(f"{count} {words[state]}" for state, count in counts.items() if count) + ".")
