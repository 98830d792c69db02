"""What `archiver show` prints: the post, its chain as a tree, versions, captures, verdicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from archiver.jobs.show import Shown
from archiver.render import happened
from archiver.render.text import as_json as print_json
from archiver.render.text import console, moment, one_line, safe, short, word
from archiver.schedule import SETTLED


def print_shown(shown: Shown, *, as_json: bool) -> None:
    """Everything about one ref."""
    if as_json:
        print_json(asdict(shown))
        return
    out = console()
    out.print(Text(shown.ref, style="bold"))
    for alias in shown.aliases:
        out.print(f"  also known as {safe(alias)}")
    if shown.post is not None:
        _post(out, shown.post)
    elif shown.queue is not None and not shown.captures:
        out.print("  not captured yet")
    for erased in shown.erased:
        who = f" by {safe(erased['who'])}" if erased["who"] else ""
        out.print(f"  Erased {moment(erased['at'])}{who} (leaf {erased['leaf']}): {short(erased['reason'], 200)}")
    for fields in (shown.account, shown.document, shown.page):
        if fields is not None:
            out.print("  " + ", ".join(f"{name} {short(str(value))}" for name, value in fields.items() if value != ""))
    if shown.chain:
        out.print(_tree(shown), soft_wrap=False)  # wrapped by its own guides: cut off otherwise
        origins = [_origin(shown, ref) for ref in shown.origins]
        out.print("Origin: " + ("; ".join(origins) or "none: the chain goes round in a circle"))
    if len(shown.versions) > 1:
        out.print("Versions, by when they were first seen:")
        for version in _texts(shown.versions):
            cut = " (cut off)" if version["truncated"] else ""
            out.print(f"  {moment(version['first_seen'])} by {version['routes']}{cut}: {short(version['text'])}")
    for told in happened.lines(shown.happened):
        out.print(told)
    proofs = Counter((proof["kind"], proof["valid"], proof["detail"]) for proof in shown.proofs)
    for (kind, valid, detail), count in proofs.items():
        state = {1: "valid", 0: "REFUSED", None: "not checked"}[valid]
        times = f" ({count} captures)" if count > 1 else ""
        out.print(f"Proof {kind}: {state}{times}: {short(detail, 140)}")
    for item in shown.media:
        kept = f"kept, sha256 {item['sha256'][:16]}…, {item['size']:,} bytes" if item["sha256"] else "not fetched"
        if item["erased"]:
            why = f" on {short(item['erased_why'], 200)}" if item["erased_why"] else ""
            kept = f"erased{why}; its sha256 stays: {item['sha256'][:16]}…"
        out.print(f"Media {item['kind']} {short(item['url'])}: {kept}")
        for told in () if item["c2pa"] is None else item["c2pa"]["told"]:
            out.print(f"  {short(told, 600)}", soft_wrap=True)
    if shown.quotations:
        out.print("Quotations of it:")
        for row in shown.quotations:
            _quotation(out, row, f" in {short(row['document'])}")
    if shown.mentions:
        out.print("Mentions in it:" if shown.document is not None else "Mention:")
        for row in shown.mentions:
            _quotation(out, row, f" of {safe(row['post'])}" if row["post"] else "")
    if shown.pointed_at_by:
        out.print("Pointed at by:")
        for row in shown.pointed_at_by:
            out.print(f"  {row['kind']} ({row['evidence']}) {short(row['source'], 120)}")
    if shown.captures:
        out.print("Captures (newest first):")
        for row in shown.captures:
            line = Text(f"  {moment(row['observed_at'])} {row['route']} ")
            line.append(*word(row["outcome"]))
            status = row["status"] if row["status"] is not None else row["failure"]
            line.append(f" ({status})" if status else "")
            line.append(f" leaf {row['leaf']}" + (f": {short(row['reason'])}" if row["reason"] else ""))
            out.print(line)
    if shown.queue is not None:
        _next(out, shown.queue)


def _texts(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Versions that read the same as one, with all their routes: they differ in what is not text."""
    found: dict[tuple[str, bool], dict[str, Any]] = {}
    for version in versions:
        known = found.setdefault((version["text"], bool(version["truncated"])), dict(version))
        routes = dict.fromkeys([*known["routes"].split(","), *version["routes"].split(",")])
        known["routes"] = ",".join(routes)
    return list(found.values())


def _next(out: Console, queue: dict[str, Any]) -> None:
    if queue["due_at"]:
        out.print(f"Next look: {moment(queue['due_at'])}")
    elif not queue["kept"]:
        out.print("Not looked at again: no seed keeps it (`archiver seeds`)")
    elif queue["purpose"] not in SETTLED:
        out.print(
            f"Not looked at again: its watch is over ([watch] of the configuration); last {queue['last_outcome']}"
        )


def _origin(shown: Shown, ref: str) -> str:
    step = next((step for step in shown.chain if step["target"] == ref), None)
    if step is None or not step["handle"]:
        return ref
    return f"{ref}, @{step['handle']}, {moment(step['posted_at']) or 'no time'}"


def _post(out: Console, post: dict[str, Any]) -> None:
    line = Text(one_line(f"  @{post['handle']} ") if post["handle"] else "  ")
    name = post["name"]
    if not post["handle"] and post["author"]:  # where there are no handles anybody can take any name
        name = f"{name} ({post['author']})" if name else post["author"]
    line.append(f"{one_line(name)}, {moment(post['posted_at']) or 'no time'}, ")
    line.append(*word(post["outcome"]))
    if post["outcome_at"]:  # what was last seen live may be refused since
        line.append(f" {'when last seen,' if post['outcome'] == 'live' else 'as of'} {moment(post['outcome_at'])}")
    out.print(line)
    for text in safe(post["text"]).splitlines():
        out.print(f"  | {text}")
    if post["truncated"]:
        out.print("  (cut off by the route that showed it)")
    if post["url"]:
        out.print(f"  {safe(post['url'])}")


def _tree(shown: Shown) -> Tree:
    """The chain upstream: each branch is what the post above it quotes, reposts or answers."""
    tree = Tree(Text("Chain upstream"))
    branches: dict[int, Tree] = {0: tree}
    for step in shown.chain:
        label = Text(one_line(f"{step['kind']} ({step['evidence']}) {step['target']}"))
        if step["handle"]:
            label.append(f" @{step['handle']}")
        if step["outcome"]:
            label.append(" ")
            label.append(*word(step["outcome"]))
        if step["again"]:
            label.append(" (again: a circle)", style="bold yellow")
        elif step["text"]:
            label.append(f"\n“{short(step['text'], 100)}”", style="dim")
        elif not step["outcome"]:
            label.append(" not captured yet", style="dim")
        branches[step["depth"]] = branches[step["depth"] - 1].add(label)
    return tree


def _quotation(out: Console, row: dict[str, Any], where: str) -> None:
    line = Text("  ")
    line.append(*word(row["verdict"] or row["status"] or "no words quoted"))
    line.append(f" “{short(row['quoted'] or row['url'], 80)}”{where}")
    out.print(line)
    for change in row["changes"]:
        if change["op"] in ("replaced", "added", "removed"):
            said, was = change["quoted"] or "(nothing)", change["original"] or "(nothing)"
            out.print(f"      {change['op']}: “{short(said, 60)}” for “{short(was, 60)}”")
    for note in filter(None, (row["flags"], row["reason"], row["told"])):
        out.print(f"      {short(note, 160)}")
    out.print(Text(f"      {row['passage']}", style="dim"))
