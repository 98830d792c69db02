# Two commands on a fresh machine: `make run` and `make test`. Everything else is convenience.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test serve demo datasette-lines witness judges bench bench-million bench-log bench-export bench-verify bench-room bench-year bench-due screenshots evidence bounds crash atproto fuzz properties measured cron check clean

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(PIP) -e .
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(PIP) -e '.[dev]'
	touch .venv/installed $@

# Exit code 1 means that something stays queued (no network, a host that is down): that is a result, not a failure.
run: .venv/installed
	$(BIN)/archiver run seeds || test $$? -eq 1

# Each file of tests stays in one process: its fixtures are shared, and servers and archives are its own.
test: check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

serve: .venv/installed
	$(BIN)/archiver serve

demo: .venv/installed
	BIN=$(BIN) sh data/demo/run.sh

# The reading room under the coming line of Datasette; `make test` runs it under the stable one.
.venv-datasette1/installed: pyproject.toml
	$(PYTHON) -m venv .venv-datasette1
	.venv-datasette1/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' 'datasette==1.0a41'
	touch $@

datasette-lines: .venv-datasette1/installed judges
	.venv-datasette1/bin/python -m pytest -p no:cacheprovider tests/datasette_plugin
	.venv-datasette1/bin/python -m pytest -rs -m heavy -p no:cacheprovider tests/datasette_plugin/browser

# A witness that others wrote judges our log, from an environment of its own: it needs Python 3.12.
PYENV_ROOT ?= $(HOME)/.pyenv
WITNESS_PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3 $(PYENV_ROOT)/versions/3.1[2-9]*/bin/python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$python && break; done)

.venv-witness/installed:
	@test -n "$(WITNESS_PYTHON)" || { echo 'No Python 3.12 or later is found: name one as WITNESS_PYTHON.'; exit 1; }
	$(WITNESS_PYTHON) -m venv .venv-witness
	.venv-witness/bin/python -m pip install --quiet --disable-pip-version-check 'aics-witness==0.1.0'
	touch $@

witness: .venv/installed-dev
	$(MAKE) .venv-witness/installed || echo 'The tests with the real witness are skipped.'
	$(BIN)/python -m pytest -rs -p no:cacheprovider tests/jobs/test_real_witness.py

# Judges that others wrote and that clash with our libraries or are no Python: the validator of RO-Crates with the
# official context (that of RO-Crate 1.1 came with rocrate 0.14), and the player of web archives. `make bounds` asks them.
REPLAYWEB ?= 2.5.3

.venv-judges/installed: Makefile
	$(PYTHON) -m venv .venv-judges
	.venv-judges/bin/python -m pip install --quiet --disable-pip-version-check 'roc-validator==0.13.0' 'rocrate==0.14.0'
	touch $@

.venv-judges/replaywebpage/installed: Makefile
	mkdir -p .venv-judges/replaywebpage
	cd .venv-judges && tar -xzf "$$(npm pack --silent replaywebpage@$(REPLAYWEB))" -C replaywebpage --strip-components=1
	touch $@

# What judges whether a page can be used by all. It is injected into our pages in Chromium, and never served.
AXE ?= 4.14.1

.venv-judges/axe-core/installed: Makefile
	mkdir -p .venv-judges/axe-core
	cd .venv-judges && tar -xzf "$$(npm pack --silent axe-core@$(AXE))" -C axe-core --strip-components=1
	touch $@

judges:
	@$(MAKE) .venv-judges/installed || echo 'The tests with the validator of RO-Crates are skipped.'
	@$(MAKE) .venv-judges/replaywebpage/installed || echo 'The tests with the player of web archives are skipped.'
	@$(MAKE) .venv-judges/axe-core/installed || echo 'The tests of the pages in a browser are skipped.'

bench: .venv/installed-dev
	$(BIN)/python -m tests.bench

# `archiver check` against a million invented posts: some minutes and 1.6 GB, most of them to make the archive.
bench-million: .venv/installed-dev
	$(BIN)/python -m tests.bench.check 1000000

# The log at a million leaves: proofs, a signed head, the whole tree anew. Half a minute and 0.8 GB.
bench-log: .venv/installed-dev
	$(BIN)/python -m tests.bench.custody 1000000

# `archiver verify` of a million leaves, and of blobs: some minutes, and a tenth more room than GIGABYTES, which can be 10.
GIGABYTES ?= 2
bench-verify: .venv/installed-dev
	$(BIN)/python -m tests.bench.verification 1000000 $(GIGABYTES)

# The pages of the reading room at POSTS posts, beside runs that write: a million take 8 GB and a quarter of an hour,
# kept in ROOM where it is given.
POSTS ?= 1000000
bench-room: .venv/installed-dev
	$(BIN)/python -m tests.bench.room $(POSTS) $(ROOM)

# A year of watching 10,000 posts on a simulated clock: how soon changes are seen, and what is asked for that.
bench-year: .venv/installed-dev
	$(BIN)/python -m tests.bench.year

# Runs with nothing due, and with a hundred thousand refs due on fifty hosts: five minutes.
bench-due: .venv/installed-dev
	$(BIN)/python -m tests.bench.due

# An export of 10,000 posts with media against sha256sum and zip -0 of the same files: some minutes and 6 GB.
bench-export: .venv/installed-dev
	$(BIN)/python -m tests.bench.export 10000

# The cron daemon of the system runs the line that `install-cron` writes: a minute, as root and where cron is installed.
cron: .venv/installed-dev
	$(BIN)/python -m pytest -rs -s -p no:cacheprovider tests/cron/daemon.py

# The figures of the recorded answers, where they are ($QUOTECHAIN_CORPUS).
evidence: .venv/installed-dev
	$(BIN)/python -m pytest -m corpus -s -p no:cacheprovider

# Megabytes made to be slow, browsers, and slow judges that others wrote: minutes, so not part of `make test`.
bounds: .venv/installed-dev judges
	$(BIN)/python -m pytest -rs -m heavy -p no:cacheprovider

# KILLS kills (SIGKILL) at random instants in runs of 500 captures, a run and `archiver verify` after each: some minutes.
KILLS ?= 300
crash: .venv/installed-dev
	$(BIN)/python -m tests.crash $(KILLS) $(SEED)

# The AT Protocol's own software on loopback (PLC directory, PDS, AppView; 0.7 GB with Node 22, PostgreSQL and Redis):
# archived, then deleted from, rewritten, taken down and brought back.
.venv-atproto/installed: tests/atproto/install.sh tests/atproto/package.json
	sh tests/atproto/install.sh .venv-atproto

atproto: .venv/installed-dev
	@$(MAKE) .venv-atproto/installed || echo 'The tests with a real AT Protocol network are skipped.'
	QUOTECHAIN_ATPROTO=.venv-atproto $(BIN)/python -m pytest -rs -m heavy -p no:cacheprovider tests/atproto

# Hostile input guided by coverage, SECONDS for each target (or those named as TARGETS); findings go to build/fuzz.
.venv-fuzz/installed: pyproject.toml
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check -e . 'atheris>=3,<4' pytest hypothesis
	touch $@

SECONDS ?= 60
fuzz: .venv-fuzz/installed
	.venv-fuzz/bin/python -m tests.fuzz $(SECONDS) $(TARGETS)

# What `make test` tries with the same examples each time, with examples that nobody tried before.
properties: .venv/installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --hypothesis-profile anew -m 'hypothesis and not heavy'

# The pictures of docs/reading-room.md, of the demonstration in Chromium.
screenshots: .venv/installed-dev
	$(BIN)/python -m tests.datasette_plugin.browser.pictures

# Writes docs/measured.md from the commands that it names.
measured: .venv/installed-dev
	BIN=$(BIN) sh docs/measure.sh > docs/measured.md

clean:
	rm -rf .venv .venv-datasette1 .venv-witness .venv-judges .venv-atproto .venv-fuzz build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
