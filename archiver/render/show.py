"""What `archiver show` prints: the post, its chain as a tree, versions, captures, verdicts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from archiver.jobs.show import Shown
from archiver.render.text import as_json as print_json
from archiver.render.text import console, safe, short, word


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
    for fields in (shown.account, shown.document, shown.page):
        if fields is not None:
            out.print("  " + ", ".join(f"{name} {short(str(value))}" for name, value in fields.items() if value != ""))
    if shown.chain:
        out.print(_tree(shown))
        out.print("Origin: " + (", ".join(shown.origins) or "none: the chain goes round in a circle"))
    if len(shown.versions) > 1:
        out.print("Versions:")
        for version in shown.versions:
            cut = " (cut off)" if version["truncated"] else ""
            out.print(f"  {version['first_seen']} by {version['routes']}{cut}: {short(version['text'])}")
    for edit in shown.edits:
        since = f"between {edit['last_seen_before']} and {edit['first_seen_after']}" if edit["before"] else "by marker"
        out.print(f"Edited {since}, shown by {edit['shown_by']} ({edit['route']})")
    for proof in shown.proofs:
        state = {1: "valid", 0: "REFUSED", None: "not checked"}[proof["valid"]]
        out.print(f"Proof {proof['kind']}: {state}: {short(proof['detail'], 140)}")
    for item in shown.media:
        kept = f"kept, sha256 {item['sha256'][:16]}…, {item['size']:,} bytes" if item["sha256"] else "not fetched"
        out.print(f"Media {item['kind']} {short(item['url'])}: {kept}")
    for title, rows in (("Quotations of it", shown.quotations), ("Mentions in it", shown.mentions)):
        if rows:
            out.print(f"{title}:")
            for row in rows:
                _quotation(out, row)
    if shown.pointed_at_by:
        out.print("Pointed at by:")
        for row in shown.pointed_at_by:
            out.print(f"  {row['kind']} ({row['evidence']}) {short(row['source'], 120)}")
    if shown.captures:
        out.print("Captures (newest first):")
        for row in shown.captures:
            line = Text(f"  {row['observed_at']} {row['route']} ")
            line.append_text(word(row["outcome"]))
            status = row["status"] if row["status"] is not None else row["failure"]
            line.append(f" ({status}) leaf {row['leaf']}" + (f": {short(row['reason'])}" if row["reason"] else ""))
            out.print(line)
    if shown.queue is not None and shown.queue["due_at"]:
        out.print(f"Next look: {shown.queue['due_at']}")


def _post(out: Console, post: dict[str, Any]) -> None:
    line = Text(f"  @{post['handle']} " if post["handle"] else "  ")
    line.append(f"{safe(post['name'])}, {post['posted_at'] or 'no time'}, ")
    line.append_text(word(post["outcome"]))
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
        label = Text(f"{step['kind']} ({step['evidence']}) {step['target']}")
        if step["handle"]:
            label.append(f" @{step['handle']}")
        if step["outcome"]:
            label.append(" ")
            label.append_text(word(step["outcome"]))
        if step["again"]:
            label.append(" (again: a circle)", style="bold yellow")
        elif step["text"]:
            label.append(f"\n“{short(step['text'], 100)}”", style="dim")
        elif not step["outcome"]:
            label.append(" not captured yet", style="dim")
        branches[step["depth"]] = branches[step["depth"] - 1].add(label)
    return tree


def _quotation(out: Console, row: dict[str, Any]) -> None:
    line = Text("  ")
    line.append_text(word(row["verdict"] or row["status"] or "no words quoted"))
    line.append(f" “{short(row['quoted'], 80)}” {row['passage']}")
    out.print(line)
    for change in row["changes"]:
        if change["op"] in ("replaced", "added", "removed"):
            said, was = change["quoted"] or "(nothing)", change["original"] or "(nothing)"
            out.print(f"      {change['op']}: “{short(said, 60)}” for “{short(was, 60)}”")
    for note in filter(None, (row["flags"], row["reason"], row["told"])):
        out.print(f"      {short(note, 160)}")
