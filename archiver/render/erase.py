"""What an erasure would touch, and what it did, for a terminal or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click

from archiver.jobs.erase import Erased, Shown
from archiver.render.text import safe, short

MOST = 30


def print_shown(shown: Shown, *, as_json: bool) -> None:
    """What would go, without --yes."""
    if as_json:
        click.echo(json.dumps({"erased": False, **_shown(shown)}, indent=2, ensure_ascii=False))
        return
    if shown.before is not None:
        _already(shown)
        click.echo("With --yes the file is only cleaned once more, as after an erasure that was interrupted.")
        return
    _touched(shown)
    _beyond(shown)
    click.echo("Nothing was changed. With --yes this is erased; it cannot be undone.")


def print_erased(done: Erased, *, as_json: bool) -> None:
    """What was done."""
    if as_json:
        more = {
            name: getattr(done, name) for name in ("leaf", "copies", "uncopied", "cleaned", "broken", "left", "held_by")
        }
        more |= {"looked_for": done.looked_for, "unexplained": done.unexplained, "notes": done.notes}
        click.echo(json.dumps({"erased": True, **_shown(done.shown), **more}, indent=2, ensure_ascii=False))
        return
    concern = done.shown.concern
    if done.leaf is None:
        _already(done.shown)
        click.echo("The file was cleaned once more.")
    else:
        click.echo(
            f"{concern.what}: erased. {len(concern.blobs)} bodies, the bytes of {len(concern.leaves)} leaves and all "
            f"readings of it are gone; their hashes stay. Logged as leaf {done.leaf}."
        )
        _some("Copies without it were kept for the other posts", [f"{a} → {b}" for a, b in done.copies.items()])
        _some("No copy was kept", [f"{sha256}: {why}" for sha256, why in done.uncopied.items()])
        _found(done)
        _beyond(done.shown)
    if not done.cleaned:
        click.echo(
            "Another process reads in this archive (Datasette?), so old pages are left in its write-ahead log: end it "
            "and run this command again."
        )
    for line in done.notes:
        click.echo(f"Note: {line}")


def _found(done: Erased) -> None:
    if not done.looked_for:
        click.echo("It had no words of twelve characters or more, so the files were not searched for them.")
    elif not done.left:
        click.echo(f"The files were searched for its words ({done.looked_for} pieces, in each encoding): none is left.")
    explained = {piece: held for piece, held in done.held_by.items() if piece not in done.unexplained}
    if explained:
        click.echo("Words of it stay where a document quotes them or another post says them, too:")
        _some("", [f"“{piece}” in {', '.join(held)}" for piece, held in explained.items()])
    if done.unexplained:
        click.echo("WORDS OF IT ARE LEFT in the files, and no document or other post says them:")
        _some("", [f"“{p}” in {', '.join(done.held_by.get(p, [])) or 'no row'}" for p in done.unexplained])
        click.echo("  Erase the bodies that are named by their SHA-256.")


def _already(shown: Shown) -> None:
    assert shown.before is not None
    before = shown.before
    click.echo(f"{shown.concern.what} was erased on {before.at} by {before.who} (leaf {before.leaf}): {before.reason}")


def _touched(shown: Shown) -> None:
    concern = shown.concern
    size = sum({one.sha256: one.size for one in concern.captures if one.goes}.values())
    click.echo(
        f"{concern.what}: {len(concern.blobs)} bodies of {size:,} bytes would go, and the bytes of "
        f"{len(concern.leaves)} leaves. Their hashes, sizes and times stay."
    )
    _some("It is also known as", concern.refs[1:])
    _some("Its files", concern.media)
    _some(
        "Captures",
        [
            f"leaf {one.leaf}, {one.at}, {one.route} of {one.ref}: "
            + ", ".join(
                filter(
                    None,
                    (
                        f"body {one.sha256[:12]}… goes ({one.media_type or 'of no known type'})" if one.goes else "",
                        "leaf, request and heads go" if one.own else "leaf and row stay",
                    ),
                )
            )
            for one in concern.captures
        ],
    )
    _some(
        "Other posts in the same bodies",
        [f"{one.ref} @{one.handle}: {short(one.words, 60)} (in {one.sha256[:12]}…)" for one in concern.neighbours],
    )
    if concern.neighbours and concern.refs:
        click.echo(
            "  Of a JSON answer a copy without it is kept. Of HTML and other bodies the whole body goes: what was read "
            "of the other posts is kept as a derived file, and nothing else vouches for it."
        )
    elif concern.neighbours:
        click.echo("  A body that is named itself goes whole: what it says of them goes, too.")
    _some("Bodies that came for something else and hold its words, though no post of it was read there", concern.found)
    _some("Documents that are read from these bodies, and go with their mentions", concern.documents)
    _some("Documents that quote it keep their own words", concern.quoting)
    _some("Stays, since others need it", [f"{what}: {why}" for what, why in concern.shared])


def _beyond(shown: Shown) -> None:
    _some("Files beside the archive that may hold it: not touched, look after them yourself", shown.backups)
    _some("What was exported cannot be reached, and may hold it", [f"{at} {what}" for at, what in shown.exports])
    click.echo("Copies elsewhere, snapshots and freed blocks of the disk are beyond this command.")
    click.echo(
        "A post that quotes it may bring it back when it is looked at again: runs say so, and it is erased once more."
    )


def _some(title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if not lines:
        return
    if title:
        click.echo(f"{title}:")
    for line in lines[:MOST]:
        click.echo(f"  {safe(line)}")
    if len(lines) > MOST:
        click.echo(f"  and {len(lines) - MOST} more (--json lists all)")


def _shown(shown: Shown) -> dict[str, Any]:
    concern = shown.concern
    return {
        **asdict(concern),
        "blobs": concern.blobs,
        "leaves": concern.leaves,
        "before": None if shown.before is None else asdict(shown.before),
        "backups": shown.backups,
        "exports": shown.exports,
    }
