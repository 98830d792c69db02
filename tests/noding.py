"""The checks of the report as Node runs them: the same code that a browser gets, without a page around it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

BUNDLE = Path(__file__).parent.parent / "archiver" / "bundle"
HARNESS = r"""
const jobs = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const unbase = text => new Uint8Array(Buffer.from(text, "base64"));
const does = {
  async repository({ car, did, name, key }) {
    const found = await authors.repository(unbase(car), did, name, authors.signer("Multikey", key));
    return [found.commit, found.cid, found.record && authors.hex(found.record)];
  },
  async plc({ log, did }) { return (await authors.plc(log, did)).pop().key; },
  schnorr: ({ key, message, signature }) => authors.schnorr(...[key, message, signature].map(authors.unhex)),
  async check({ leaves, answers, rows }) {
    const check = authors.over(leaves, new Map(Object.entries(answers))), found = [];
    for (const row of rows) found.push(await check(row));
    return found;
  },
};
(async () => {
  const found = [];
  for (const job of jobs) {
    try { found.push(await does[job.do](job)); } catch (error) { found.push({ refused: error.message }); }
  }
  process.stdout.write(JSON.stringify(found));
})();
"""


def ran(jobs: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What the page's code says of each job; skips where there is no Node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    code = "\n".join((BUNDLE / name).read_text("utf-8") for name in ("report_proofs.js", "report_authors.js"))
    done = subprocess.run(
        [node, "-e", code + HARNESS], input=json.dumps(jobs), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[Any] = json.loads(done.stdout)
    return found


def row_of(proof: Mapping[str, Any]) -> dict[str, str]:
    """A proof as the page keeps it in its markup."""
    valid = "" if proof["valid"] is None else str(proof["valid"])
    return {**{name: str(proof[name]) for name in ("kind", "ref", "capture", "pointer")}, "valid": valid}


def job(
    leaves: Iterable[Mapping[str, Any]], bodies: Mapping[str, bytes], proofs: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """The check of some proofs: `bodies` are captured bodies by the uid of their capture."""
    answers = {uid: base64.b64encode(body).decode() for uid, body in bodies.items()}
    return {"do": "check", "leaves": list(leaves), "answers": answers, "rows": [row_of(proof) for proof in proofs]}
