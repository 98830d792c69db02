"""Writes the generated parts of the documentation (`python -m tests.docs`); test_docs.py holds them to the code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

from archiver import cli
from archiver.platforms import all_platforms
from archiver.store.archive import migrations, statements_of
from archiver.store.schema import TABLES
from archiver.store.views import LABELS, VIEWS

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- generated: {name} -->", "<!-- end of {name} -->"


def _all(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    """Every command of a group, and those of its groups, by the words that one types."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from _all(command, f"{prefix}{name} ")


def commands() -> str:
    """Every command with its options."""
    lines = []
    for name, command in _all(cli.main, ""):
        context = click.Context(command, info_name=f"archiver {name}")
        usage = " ".join(command.collect_usage_pieces(context))
        lines += [f"### `archiver {name} {usage}`", "", command.help or "", ""]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                flags = ", ".join(f"`{flag}`" for flag in parameter.opts)
                default = f" Default: `{parameter.default}`." if parameter.show_default else ""
                lines.append(f"- {flags}: {parameter.help or ''}{default}")
        lines.append("")
    return "\n".join(lines).strip()


def evidence_tables() -> dict[str, list[str]]:
    """Tables of the migrations, with their columns."""
    found: dict[str, list[str]] = {}
    for _, script in migrations():
        for statement in statements_of(script):
            plain = re.sub(r"--[^\n]*", "", statement)
            match = re.match(r"\s*CREATE TABLE (\w+) \((.*)\) STRICT", plain, re.S)
            if match:
                parts = [line.strip() for line in match[2].split("\n")]
                words = [part.split()[0] for part in parts if part]
                found[match[1]] = [word for word in words if re.fullmatch(r"[a-z_0-9]+", word)]
    return found


ABOUT = {
    "origin": "The log's name and birth; `local` is 1 for the log that this archive writes.",
    "log_leaf": "The Merkle log: canonical JSON bytes of each piece of evidence, and their RFC 6962 leaf hash.",
    "log_tile": "Full C2SP tiles of the log, 256 hashes each.",
    "blobs": "Bytes by their SHA-256.",
    "blob_at": "Where the bytes of a blob are.",
    "blob_chunks": "The bytes, in pieces of at most 1 MiB.",
    "certificates": "DER certificates that servers showed, by SHA-256.",
    "captures": "Each request and what came back, or that nothing did; each seed as it was given.",
    "statements": "What a person decided: who, when, about what, why.",
    "derived": "Files made from blobs: tool, version, arguments, inputs.",
    "reading_marks": "The hash of what a parser said of a capture, each time it changed.",
    "log_key": "Which keys sign the log, as its `key` leaves say.",
    "log_checkpoint": "Signed heads of the log: C2SP signed notes, one at the end of each run that appended.",
    "log_anchor": "What outside services answered about a checkpoint, byte for byte; `at` is the time that the answer "
    "itself states, empty while it is pending.",
    "revocations": "What authorities answered when asked whether a certificate of a timestamping service was revoked.",
    "erasures": "What was erased, by hash: who, when, why.",
    "exports": "Bundles that left the house: who, when, of what, and the hash of the manifest.",
    "fixities": "Checks of the stored evidence: how much was checked, how much was wrong.",
    "work_anchor": "Which service is still to be asked about which checkpoint, and when.",
    "work_queue": "What is looked at next, and when.",
    "work_hosts": "Which host is being asked, by whom, until when.",
    "work_seeds": "Which seeds are kept, and why others are not.",
    "work_led": "What led to a ref: `seed:` and a seed's name, or another ref.",
    "work_days": "Requests and bytes by host and day (UTC).",
    "work_routes": "How the tries of each route ended, by day (UTC).",
    "work_told": "What hooks are told, until they took it.",
    "work_runs": "How runs ended.",
    "work_state": "How far reading and settling have come; what older rules said of a mention, until it was told.",
}


def tables() -> str:
    """Every table with its columns."""
    lines = ["## Evidence and work", ""]
    for name, columns in evidence_tables().items():
        lines += [f"### `{name}`", "", ABOUT[name], "", ", ".join(f"`{column}`" for column in columns), ""]
    lines += ["## Readings", ""]
    for table in TABLES:
        lines += [f"### `{table.name}`", "", table.about, ""]
        keyed = [f"`{column}` → `{other}`" for column, other in table.keys.items()]
        lines += [", ".join(f"`{column}`" for column in table.columns), ""]
        if table.name in LABELS:
            lines += ["`label` is worked out from the others when it is read: a short text for links.", ""]
        if keyed:
            lines += ["Points to: " + ", ".join(keyed), ""]
    lines += ["## Views", ""]
    for view in VIEWS:
        lines += [f"### `{view.name}`", "", view.about, "", ", ".join(f"`{column}`" for column in view.columns), ""]
    return "\n".join(lines).strip()


def routes() -> list[dict[str, str]]:
    """docs/routes.toml: what each route asks, gives, and was tested against."""
    return list(tomllib.loads((ROOT / "docs" / "routes.toml").read_text("utf-8"))["route"])


def platforms() -> str:
    """The platforms table of the README."""
    lines = ["| platform | route | what is captured | tested against |", "|---|---|---|---|"]
    lines += [f"| {r['platform']} | `{r['name']}` | {r['gives']} | {r['tested']} |" for r in routes()]
    order = {name: number for number, name in enumerate(all_platforms())}
    assert all(route["platform"] in order for route in routes())
    return "\n".join(lines)


PLACES = {"docs/commands.md": ("commands", commands), "docs/tables.md": ("tables", tables)}
PLACES["README.md"] = ("platforms", platforms)


def written(path: str) -> str:
    """A page with its generated part made again."""
    name, make = PLACES[path]
    text = (ROOT / path).read_text("utf-8")
    begin, end = BEGIN.format(name=name), END.format(name=name)
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n\n{make()}\n\n{end}{tail}"


def main() -> None:
    for path in PLACES:
        (ROOT / path).write_text(written(path), "utf-8")


if __name__ == "__main__":
    main()
