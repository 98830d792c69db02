"""Archives whose every text attacks the reader: script, attributes, templates, direction, wrong bytes, size.

`through_intake` goes the project's own way, with documents that attack. `attacked` writes past it, into the rows: what
intake would clean today may stand in an archive that another version made, or that somebody sends.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner
from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.cli import main
from tests.datasette_plugin.opening import ROOT

RUN = "window.__pwned=1"
TAG = "qc-evil"
ATTACKS: tuple[str | bytes, ...] = (
    f'"><script>{RUN}</script><{TAG}>',
    f'\'><img src=x onerror="{RUN}"><{TAG}>',
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    f"' onmouseover='{RUN}' autofocus onfocus='{RUN}' x='",
    f"javascript:{RUN}//",
    f"\x01 java\tscript:{RUN}//",
    f"</textarea></title></style></script></svg></template><{TAG}><script>{RUN}</script>",
    f']]><svg onload="{RUN}"><{TAG}>',
    "{{7*7}}qc-tpl{% raise %}{# #}",
    "\u202egnp.\u202eexe\u2066\u2067 \u200f\u200e\u061c",
    f"nul\x00byte<{TAG}>",
    f"\xff\xfe<{TAG}>".encode("latin-1"),
    f"\xed\xa0\x80 lone surrogate <{TAG}>".encode("latin-1"),
    f'https://evil.example/"onmouseover="{RUN}',
    f"data:text/html,<script>{RUN}</script>",
    f'<a href="javascript:{RUN}">x</a><base href="https://evil.example/"><{TAG}>',
    f'<svg><style><!--</style><{TAG}><a xlink:href="javascript:{RUN}">',
    f"<!--><{TAG}>--!><iframe srcdoc='<script>parent.{RUN}</script>'>",
    "wide" * 1500,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \u0645\u0631\u062d\u0628\u0627 Z\u0351\u0343\u035aa\u0351go" * 20,
)
NOT_SHOWN = re.compile("[\u202a-\u202e\u2066\u2067]")
"""What turns text round. U+2068 and U+2069 isolate: our own plain texts set them."""
SCHEMES = re.compile(
    r"^[\x00-\x20]*(?:" + r"\s*".join("javascript") + r"|vbscript|data(?!:image/(?:png|gif|jpeg|webp)))\s*:", re.I
)
LINKING = ("href", "src", "action", "formaction", "poster", "xlink:href", "data", "srcset", "background")
STRUCTURE = {
    "refs": {"platform", "kind"}, "documents": {"sha256", "source_map"}, "mentions": {"kind"}, "versions": {"sha256"},
    "media": {"sha256", "kind"}, "files": {"declared_type"}, "matches": {"changes", "steps", "flags", "verdict"},
    "sources": {"steps", "flags", "verdict"}, "captures": {"uid", "parent", "entity_sha256"}, "blobs": {"sha256"},
    "log_leaf": {"hash"}, "edges": {"kind", "evidence"}, "media_blobs": {"dhash", "kind", "media_type"},
    "tallies": {"name"}, "resolutions": {"status"}, "repairs": {"steps"}, "sightings": {"counts"},
}  # fmt: skip
"""Columns that other rows or our own code name things by: `attacked` leaves them unless it is told to take all."""
_TIMES = re.compile(r"(?:_at|^day|^month|^date)$")


def _columns(db: sqlite3.Connection, whole: bool) -> Iterator[tuple[str, list[str]]]:
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    for (table,) in tables.fetchall():
        if "_fts" in table or table.startswith(("sqlite_", "_", "blob_chunks", "log_tile", "work_state", "log_leaf")):
            continue
        info = db.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
        texts = [row[1] for row in info if row[2].upper() == "TEXT" and row[6] == 0]
        if not whole:
            texts = [name for name in texts if name not in STRUCTURE.get(table, ()) and not _TIMES.search(name)]
        yield table, texts


def attacked(db: Path, to: Path, *, whole: bool = False, every: int = 1) -> Path:
    """A copy whose text columns hold attacks, row by row another one, in every `every`th row. `whole` takes also the
    columns that name things. What must be unique or fit a check stays where SQLite refuses."""
    shutil.copy(db, to)
    with closing(sqlite3.connect(to, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA ignore_check_constraints=ON")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        connection.execute("BEGIN")
        shift = 0
        for table, columns in _columns(connection, whole):
            keys = (
                connection.execute(f'SELECT rowid FROM "{table}"').fetchall() if _has_rowid(connection, table) else []
            )
            for column in columns:
                shift += 1
                for (key,) in keys:
                    if key % every == 0:
                        attack = ATTACKS[(key // every + shift) % len(ATTACKS)]
                        raw = attack if isinstance(attack, bytes) else attack.encode("utf-8")
                        if table == "refs" and column == "ref":
                            head = connection.execute("SELECT platform, kind FROM refs WHERE id = ?", (key,)).fetchone()
                            if head[0] == "doc":
                                continue
                            raw = f"{head[0]}:{head[1]}:".encode() + raw
                        sql = f'UPDATE OR IGNORE "{table}" SET "{column}" = CAST(? AS TEXT) WHERE rowid = ?'
                        connection.execute(sql, (raw + (b"" if table != "refs" else b"%d" % key), key))
        connection.execute("COMMIT")
    return to


def _has_rowid(connection: sqlite3.Connection, table: str) -> bool:
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return "WITHOUT ROWID" not in sql.upper()


def through_intake(db: Path, to: Path, folder: Path) -> Path:
    """A copy into which hostile documents were put as anybody would put them."""
    shutil.copy(db, to)
    folder.mkdir()
    attacks = [attack.decode("utf-8", "replace") if isinstance(attack, bytes) else attack for attack in ATTACKS]
    post = "https://x.com/bo_of_lanternwick/status/2032522075960246272"
    said = "\n\n".join(f"“{attack} nobody on the quay” ({attack}, 13 March 2026) {post}" for attack in attacks)
    (folder / f"'{TAG} onerror={RUN} x='.txt").write_text(said, "utf-8")
    (folder / f'"><img src=x onerror="{RUN}">.md').write_text(f"# {said}\n\n> {said}\n", "utf-8")
    html = "".join(f"<p>{attack}<blockquote>{attack}<a href='{post}'>{attack}</a></blockquote>" for attack in attacks)
    (folder / "page.html").write_text(f"<title>{attacks[6]}</title>{html}", "utf-8")
    (folder / "drawn.svg").write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><text>{post}</text></svg>"
    )
    arguments = ["run", str(folder), "--replay", str(ROOT / "data" / "demo" / "first"), "--db", str(to)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    return to


def escapes(html: str, *, ours: bool) -> list[str]:
    """What came through on a page: elements, handlers, addresses that run, templates, hidden characters."""
    tree = LexborHTMLParser(html)
    found = [f"element: {_shown(node)}" for node in tree.css(f"{TAG}, base, iframe, object, embed")]
    for node in tree.css("*"):
        if node.tag in ("script", "style") and (RUN in (node.text() or "") or TAG in (node.text() or "")):
            found.append(f"in a {node.tag}: {_shown(node)}")
        for name, value in node.attributes.items():
            if name.startswith("on") and (ours or RUN in (value or "")):
                found.append(f"handler: {_shown(node)}")
            if name in LINKING and SCHEMES.match(value or ""):
                found.append(f"address: {_shown(node)}")
            if TAG in name or "<" in name or '"' in name:
                found.append(f"attribute: {_shown(node)}")
    if "49qc-tpl" in html:
        found.append("a template was filled in")
    if ours and tree.body is not None and (hidden := NOT_SHOWN.search(tree.body.text())):
        found.append(f"hidden character: {tree.body.text()[max(0, hidden.start() - 40) : hidden.end() + 20]!a}")
    return list(dict.fromkeys(found))


def _shown(node: LexborNode) -> str:
    return ascii((node.html or "")[:200])
