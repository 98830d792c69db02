"""The programs that travel with a bundle: verify.py, put together of its parts, and verify.sh."""

from __future__ import annotations

import ast
import threading
from functools import cache
from importlib import resources

from archiver.bundle.index import Index

PARTS = (
    "verify_files", "verify_notes", "verify_stamps", "verify_captures", "verify_anchors", "verify_curves",
    "verify_repo", "verify_objects", "verify_proofs", "verify_told", "verify",
)  # fmt: skip
"""The modules of verify.py, each before those that use it. They import the standard library and each other alone."""


_PUT_TOGETHER = threading.Lock()


def verifier() -> str:
    """verify.py as one file. Put together once: `ast` of CPython 3.11 fails when two threads parse at the same time
    (SystemError "AST constructor recursion depth mismatch", https://github.com/python/cpython/issues/106905)."""
    with _PUT_TOGETHER:
        return _verifier()


@cache
def _verifier() -> str:
    """The parts one after the other, what they import from outside at the top."""
    imports, bodies, about = set[str](), [], ""
    for part in PARTS:
        source = resources.files("archiver.bundle").joinpath(f"{part}.py").read_text("utf-8")
        lines, tree = source.splitlines(), ast.parse(source)
        about = source[: source.index('"""', source.index('"""') + 3) + 3]
        dropped: set[int] = set()
        for number, node in enumerate(tree.body):
            outside = isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(
                ("archiver", "__future__")
            )
            if isinstance(node, ast.Import) or outside:
                imports.add(ast.unparse(node))
            if number == 0 or isinstance(node, (ast.Import, ast.ImportFrom)):
                dropped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        kept = [line for number, line in enumerate(lines, 1) if number not in dropped and not line.startswith("#!")]
        bodies.append("\n".join(kept).strip("\n"))
    top = sorted(imports, key=lambda line: (line.startswith("from"), line))
    return (
        "\n".join([about, "", "from __future__ import annotations", "", *top]) + "\n\n" + "\n\n\n".join(bodies) + "\n"
    )


def script(index: Index) -> str:
    """verify.sh: the same main checks with sha256sum, xxd and openssl alone, so that they can be followed by hand."""
    return _SCRIPT.replace("@ORIGIN@", _comment(index["origin"])).replace("@SIZE@", str(int(index["size"])))


def _comment(text: str) -> str:
    """A name inside a comment: it cannot leave its line."""
    return "".join(character if character.isprintable() else "?" for character in text)


_SCRIPT = r"""#!/bin/sh
# Checks the unpacked bundle of @ORIGIN@ (@SIZE@ leaves): sh verify.sh [KEY.pem]
# Needs sh, sha256sum, xxd and openssl 3. The key is the bundle's own unless you give one that you had from elsewhere.
# Ends with 0 (all held), 4 (wrong) or 2 (not checked). verify.py checks more: captures field by field, time stamps and
# earlier heads, cosignatures, the seal.
LC_ALL=C; export LC_ALL; set -u; key=${1:-data/proofs/log.pem}
lacks() { echo "Nothing was checked: $1 is missing here"; exit 2; }
for t in sha256sum sha512sum xxd comm openssl; do command -v $t >/dev/null || lacks $t; done
openssl pkeyutl -help 2>&1 | grep -q rawin || lacks "openssl 3"; [ $# -eq 0 ] || [ -r "$key" ] || lacks "$key"
case $key in /*) ;; *) [ $# -eq 0 ] || key=$PWD/$key ;; esac; cd -- "$(dirname -- "$0")" || exit 2
bad=0 work=$(mktemp -d) || exit 2; trap 'rm -rf "$work"' EXIT
wrong() { echo "WRONG: $*"; bad=4; }; node() { printf "$1" | xxd -r -p | sha256sum | cut -c1-64; }
plain() { printf '%s\n' "$1" | openssl base64 -d -A; }
own='tagmanifest-sha(256|512)[.]txt|seal/(allowed_signers|tagmanifest-sha256[.]txt[.]sig)' # listed nowhere
for a in sha256 sha512; do m="manifest-$a.txt tagmanifest-$a.txt"; cut -d' ' -f3- $m | sort >"$work/listed"
  ${a}sum -c --quiet --strict $m || wrong "files that are missing or changed, see above"
  find . ! -type d | cut -c3- | grep -Evx "$own" | sort >"$work/there"
  cmp -s "$work/listed" "$work/there" || { comm -3 "$work/listed" "$work/there"; wrong "missing or extra, see above"; }
done
note=data/proofs/checkpoint n=$(sed -n 2p data/proofs/checkpoint) origin=$(sed -n 1p data/proofs/checkpoint)
root=$(plain "$(sed -n 3p $note)" | xxd -p -c 64); sed '/^$/,$d' $note >"$work/text"
sed '1,/^$/d' $note | while read -r dash name value; do
  [ "$name" = "$origin" ] && plain "$value" | tail -c +5 >"$work/sig" &&
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/text" -sigfile "$work/sig" && echo >"$work/signed"
done >/dev/null 2>&1
[ -f "$work/signed" ] || wrong "$note: not signed by $key"
for leaf in data/proofs/*.leaf.json; do
  i=${leaf##*/} i=${i%.leaf.json} first=$i last=$((n - 1)); [ "$i" -lt "$n" ] || wrong "$leaf: not in the log"
  r=$( (printf '\000'; cat "$leaf") | sha256sum | cut -c1-64)
  for hash in $(sed -n '/^index /,/^$/{/^index /d;/^$/d;p;}' "data/proofs/$i.tlog-proof"); do
    h=$(plain "$hash" | xxd -p -c 64)
    if [ $((first & 1)) = 1 ] || [ "$first" = "$last" ]; then
      r=$(node "01$h$r"); while [ "$first" != 0 ] && [ $((first & 1)) = 0 ]; do first=$((first/2)) last=$((last/2))
      done
    else r=$(node "01$r$h"); fi
    first=$((first / 2)) last=$((last / 2))
  done
  [ "$last" = 0 ] && [ "$r" = "$root" ] || wrong "$leaf: does not stand in the log at $i"
done
[ $bad = 0 ] && echo "All held: files, signature of $key, leaves in the log of $n"; exit $bad
"""
