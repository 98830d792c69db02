"""What a chain tells in sentences: its origin or that there is none, gaps, the earliest claim, times that contradict.

Pure. A line has `label`, `ref`, `time`, `said`, `other`, `other_time` and `end`, read in this order; refs and times are
shown as links and moments.
"""

from __future__ import annotations

from typing import Any

from archiver.datasette_plugin.chain import telling
from archiver.datasette_plugin.chain.edges import SIDES

Row = dict[str, Any]
_MOST = 8
"""Lines of one sort."""


def lines(found: Row) -> list[Row]:
    """Every sentence about a gathered chain."""
    told = [*_origins(found), *_gaps(found)]
    first = found["earliest"]
    if first is not None and len([1 for thing in found["things"].values() if thing["posted_at"]]) > 1:
        told.append(_line("Earliest time claimed here:", ref=first["ref"], time=first["posted_at"], said="."))
    told += [_against(row) for row in found["contradictions"][:_MOST]]
    if len(found["contradictions"]) > _MOST:
        told.append(
            _line("", said=f"{len(found['contradictions']) - _MOST} more times contradict each other: see JSON.")
        )
    return told


def _line(label: str, *, said: str = "", **more: str) -> Row:
    return {"label": label, "ref": "", "time": "", "said": said, "other": "", "other_time": "", "end": "", **more}


def _origins(found: Row) -> list[Row]:
    things, start = found["things"], found["things"][found["ref"]]
    if found["circle"]:
        return [_line("Origin: none.", said="The chain only leads back to itself.")]
    if not found["origins"]:
        if not start["captured"]:
            return [_line("Origin: unknown.", said="No capture shows this, so what it quotes is not known.")]
        return [
            _line("", said="It quotes, reposts and answers nothing that was captured: as far as this archive goes.")
        ]
    told = []
    for end in found["origins"][:_MOST]:
        thing = things[end["ref"]]
        if end["state"] == "origin":
            said = "; nothing that was captured leads further."
            told.append(_line("Origin:", ref=end["ref"], time=thing["posted_at"], said=said))
        elif end["state"] == "cut":
            told.append(_line("Origin: further up.", ref=end["ref"], said=" leads on beyond what is drawn here."))
        else:
            said = f" was never captured ({telling.state(thing)}), so what it quotes is not known."
            told.append(_line("Origin: unknown.", ref=end["ref"], said=said))
    if len(found["origins"]) > _MOST:
        told.append(_line("", said=f"{len(found['origins']) - _MOST} more ends stand in the table."))
    return told


def _gaps(found: Row) -> list[Row]:
    """Things between the start and others that can be seen no more, or never could."""
    between = {row["parent"] for side in SIDES for row in found[side]} - {found["ref"]}
    told = []
    for ref in sorted(between):
        thing = found["things"][ref]
        if thing["kind"] != "post":
            continue
        if not thing["captured"]:
            said = f" stands between, but was never captured ({telling.state(thing)})."
            told.append(_line("Gap:", ref=ref, said=said))
        elif thing["outcome"] not in ("live", ""):
            said = f" stands between, and is shown no more: {thing['outcome']}, as of"
            told.append(_line("Gap:", ref=ref, said=said, other_time=thing["outcome_at"], end="."))
    return told[:_MOST]


def _against(row: Row) -> Row:
    if row["what"] == "id":
        said = " is the time that it claims, but its id was made"
        return _line(
            "Contradiction:", ref=row["ref"], time=row["time"], said=said, other_time=row["other_time"], end="."
        )
    said = " refers to what claims to be later:"
    more = {"other": row["other"], "other_time": row["other_time"], "end": "."}
    return _line("Contradiction:", ref=row["ref"], time=row["time"], said=said, **more)
