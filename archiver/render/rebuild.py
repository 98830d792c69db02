"""What `archiver rebuild` prints."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from itertools import islice

from archiver.jobs.before import Said
from archiver.jobs.differing import Changed
from archiver.jobs.rebuild import Rebuilt
from archiver.jobs.rejudge import Rejudged
from archiver.render.text import Styled, line, safe, short, word
from archiver.render.text import as_json as print_json

SHOWN, DIFFERENCES = 40, 5
_CHANGED = {"replaced": "says “{1}” where the post says “{2}”", "added": "adds “{1}”", "removed": "leaves out “{2}”"}


def print_rebuilt(report: Rebuilt, *, check: bool, as_json: bool) -> None:
    """The report of a rebuild."""
    if as_json:
        print_json(asdict(report))
        return
    changed = sum(gone + new for gone, new in report.differences.values())
    line(f"{report.captures} captures read, {report.documents} documents settled, {report.rows} rows.")
    for difference in report.shown:
        line(short(difference, 400))
    for note in report.notes:
        line(f"Note: {note}")
    verb = "differ" if check else "changed"
    line((f"{changed} differences" if check else f"{changed} rows {verb}", "bold" if changed else ""))


def print_rejudged(report: Rejudged, *, check: bool, as_json: bool) -> None:
    """The report of a re-judging: whole as JSON; as text the most dangerous changes first, the rest counted."""
    if as_json:
        _as_json(report, check=check)
        return
    for note in report.notes:
        line(f"Note: {safe(note)}")
    if report.resumed:
        line("An earlier re-judging was broken off: this one goes on where it ended, and tells its changes too.")
    if report.reread:
        line(f"Mentions are found by other rules now: all {report.captures} captures were read again.")
    elif report.captures:
        line(f"{report.captures} captures that waited to be read were read first.")
    would = "would be judged" if check else "were judged"
    line(f"{report.mentions} mentions in {report.documents} documents {would} again under {report.policy}.")
    line(f"Verdicts before: {_counted(report.policies)}.")
    if report.earlier:
        line(
            f"{report.earlier} mentions were judged again before this command, by a run or by a newer version, and are "
            f"compared too. Verdicts before that: {_counted(report.earlier_policies)}."
        )
    if not report.changed:
        line("Nothing is said otherwise than before.")
    else:
        verb = "would change" if check else "changed"
        line((f"{len(report.changed)} mentions {verb}:", "bold"))
        for kinds, count in report.changed.kinds.items():
            line(f"  {kinds}: {count}")
        line()
        name = ""
        for changed in islice(report.changed, SHOWN):
            if changed.name != name:
                line((safe(changed.name), "bold"))
                name = changed.name
            _changed(changed)
        if len(report.changed) > SHOWN:
            line(f"… and {len(report.changed) - SHOWN} more: --json lists all.")
    if report.queued:
        line(f"{report.queued} refs are new in the queue: `archiver run` captures them.")
    if check:
        line("No verdict was changed: `archiver rebuild --matches` does it.")


def _as_json(report: Rejudged, *, check: bool) -> None:
    """The whole report, one change at a time, each on a line: a hundred thousand are never in memory together."""
    plain = {one.name: getattr(report, one.name) for one in fields(report) if one.name != "changed"}
    told = {"check": check, **plain, "kinds": report.changed.kinds}
    print(json.dumps(told, indent=2).removesuffix("\n}"), end=',\n  "changed": [')
    between = "\n"
    for changed in report.changed:
        print(f"{between}    {json.dumps(asdict(changed))}", end="")
        between = ",\n"
    print("\n  ]\n}" if len(report.changed) else "]\n}")


def _counted(policies: dict[str, int]) -> str:
    return ", ".join(f"{count} under {policy}" for policy, count in policies.items()) or "none"


def _changed(changed: Changed) -> None:
    at = [(f" (was at {_short(changed.was_at)})", "dim")] if changed.was_at else []
    line(f"  “{short(changed.words, 80)}” ", (_short(changed.passage), "dim"), *at)
    old, new = changed.old, changed.new
    before, _, after = changed.kinds.partition(" → ")
    line("    ", word(before), *_post(old, new), " → ", word(after), *_post(new, old))
    line(f"    {_policy(old)} → {_policy(new)}")
    for title, said in (("before", old), ("now", new)):
        for told in _told(said):
            line(f"    {title}: {told}")


def _post(said: Said | None, other: Said | None) -> list[str | Styled]:
    """The post that the words were compared with, how the mention stands for a post where that differs, the flags."""
    if said is None:
        return []
    told: list[str | Styled] = [f" {safe(said.post)}"] if said.post else []
    if other is not None and (said.status, said.ref) != (other.status, other.ref):
        told.append(f" ({said.status}{' as ' + safe(said.ref) if said.ref else ''})")
    if said.flags:
        told.append((f" [{said.flags}]", "bold yellow"))
    return told


def _policy(said: Said | None) -> str:
    return "no rules" if said is None or not said.policy else said.policy


def _told(said: Said | None) -> list[str]:
    """The words that make a quotation unfaithful, and the reason of the verdict."""
    if said is None:
        return []
    told = [_CHANGED[change[0]].format(*change) for change in said.changes if change[0] in _CHANGED]
    more = len(told) - DIFFERENCES
    told = [short(one, 200) for one in told[:DIFFERENCES]]
    if more > 0:
        told.append(f"and {more} more differences")
    return [*told, short(said.reason, 200)] if said.reason else told


def _short(passage: str) -> str:
    """A passage by the first twelve digits of its document's hash."""
    head, _, place = passage.rpartition(":")
    return f"{head[:24]}…:{place}"
