-- Custody: signed heads of the log, what others say of them, and what was done with evidence. Append-only, too.

-- Which keys sign this log, as its `key` leaves say: `action` is add or retire.
CREATE TABLE log_key (
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    name TEXT NOT NULL,
    vkey TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('add', 'retire')),
    at TEXT NOT NULL,
    PRIMARY KEY (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;

CREATE TABLE log_checkpoint (
    origin INTEGER NOT NULL REFERENCES origin(id),
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (origin, size)
) STRICT;

-- One answer of one service about one checkpoint, byte for byte. `at` is the token's own time, empty while pending;
-- `chain` is a JSON list of the SHA-256 of its certificates; `leaf` is the anchor leaf by which it re-entered the log.
CREATE TABLE log_anchor (
    id INTEGER PRIMARY KEY,
    origin INTEGER NOT NULL,
    size INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('rfc3161', 'ots', 'witness')),
    service TEXT NOT NULL,
    token BLOB NOT NULL,
    at TEXT NOT NULL DEFAULT '',
    received_at TEXT NOT NULL,
    chain TEXT NOT NULL DEFAULT '[]',
    leaf INTEGER,
    UNIQUE (origin, size, kind, service, token),
    FOREIGN KEY (origin, size) REFERENCES log_checkpoint(origin, size),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;
CREATE INDEX log_anchor_leaf ON log_anchor(origin, leaf);
CREATE INDEX log_anchor_at ON log_anchor(at, id, received_at) WHERE at <> '';

CREATE TABLE erasures (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;

CREATE TABLE exports (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    UNIQUE (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;

CREATE TABLE fixities (
    id INTEGER PRIMARY KEY,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    at TEXT NOT NULL,
    checked INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    UNIQUE (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;

-- Work: which service is still to be asked about which checkpoint. Mutable, may be lost without harm.
CREATE TABLE work_anchor (
    origin INTEGER NOT NULL,
    size INTEGER NOT NULL,
    kind TEXT NOT NULL,
    service TEXT NOT NULL,
    due_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (origin, size, kind, service)
) STRICT;
