"""What `archiver backup` prints."""

from __future__ import annotations

from dataclasses import asdict

from archiver.jobs.backup import BackedUp
from archiver.render.text import as_json as print_json
from archiver.render.text import line, safe


def print_backed_up(made: BackedUp, *, as_json: bool, quiet: bool) -> None:
    """Where the copy is, up to which leaf it goes, what is not in it."""
    if as_json:
        print_json(asdict(made))
        return
    if quiet:
        return
    line(f"{safe(made.path)}: {made.size:,} bytes, schema {made.schema}, verified.")
    for log in made.logs:
        signed = f"the first {log.signed:,} signed" if log.signed else "none of them signed"
        line(f"Log {safe(log.name)}: {log.leaves:,} leaves, {signed}. What was captured after them is not in it.")
    line("Checked: " + (", ".join(f"{number:,} {what}" for what, number in made.held.items()) or "nothing") + ".")
    if made.unchecked:
        line(f"Not checked: {made.unchecked:,} things; `archiver verify {safe(made.path)}` names them.")
    where = ", ".join(safe(place) for place in made.keys) or "where they are kept"
    line(f"Keys are not in it: keep a copy of them elsewhere, too ({where}).")
    for path in made.removed:
        line(f"Deleted: {safe(path)}")
    for note in made.notes:
        line(f"Note: {safe(note)}")
