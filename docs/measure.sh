#!/bin/sh
# Writes docs/measured.md (make measured): every figure is what the command above it printed.
set -eu
BIN=${BIN:-.venv/bin}

section() {
    printf '\n## %s\n\n`%s`\n\n```text\n' "$1" "$2"
    sh -c "$3" 2>/dev/null
    printf '```\n'
}

cat <<'EOT'
# Measured

Made by `make measured`; each block is what the command above it printed. Times come from one machine with two cores and mean little by themselves: read the ratios.
EOT
section "Speed and memory" "make bench" "$BIN/python -m tests.bench"
section "A million posts" "make bench-million" "$BIN/python -m tests.bench.check 1000000"
section "The log at a million leaves" "make bench-log" "$BIN/python -m tests.bench.custody 1000000"
section "Verification" "make bench-verify GIGABYTES=10" "$BIN/python -m tests.bench.verification 1000000 10"
section "Bundles" "make bench-export" "$BIN/python -m tests.bench.export"
section "Recorded answers and labelled quotations" "make evidence" \
    "$BIN/python -m pytest -m corpus -s -p no:cacheprovider | grep -vE '^[.[:space:]]*(\[ *[0-9]+%\])?$' | sed 's/^\.*//'"
section "A year of watching" "make bench-year" "$BIN/python -m tests.bench.year"
section "Much to watch" "make bench-due" "$BIN/python -m tests.bench.due"
section "The reading room" "make bench-room" "$BIN/python -m tests.bench.room || true"
