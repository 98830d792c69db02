-- Evidence: append-only. A capture, its blob and its leaf commit in one transaction.

CREATE TABLE origin (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    vkey TEXT,
    site TEXT NOT NULL DEFAULT '',
    opened TEXT NOT NULL,
    closed TEXT,
    local INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE log_leaf (
    origin INTEGER NOT NULL REFERENCES origin(id),
    idx INTEGER NOT NULL,
    data BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (origin, idx)
) STRICT;

CREATE TABLE log_tile (
    origin INTEGER NOT NULL REFERENCES origin(id),
    level INTEGER NOT NULL,
    n INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (origin, level, n)
) STRICT;

CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    sniffed_type TEXT NOT NULL DEFAULT ''
) STRICT;

-- Where the bytes are: 'sqlite' is blob_chunks of this file. Mutable, so that bytes can move without touching evidence.
CREATE TABLE blob_at (
    blob INTEGER NOT NULL REFERENCES blobs(id),
    store TEXT NOT NULL,
    PRIMARY KEY (blob, store)
) STRICT;

CREATE TABLE blob_chunks (
    blob_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (blob_id, n)
) STRICT;

CREATE TABLE certificates (
    sha256 TEXT PRIMARY KEY,
    der BLOB NOT NULL
) STRICT;

CREATE TABLE captures (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    tier TEXT NOT NULL CHECK (tier IN ('wire', 'browser-decoded', 'third-party', 'import', 'replay')),
    platform TEXT NOT NULL,
    route TEXT NOT NULL,
    ref TEXT NOT NULL,
    request TEXT NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    parent TEXT NOT NULL DEFAULT '',
    hop INTEGER NOT NULL DEFAULT 0,
    observed_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    first_byte_at TEXT NOT NULL DEFAULT '',
    ended_at TEXT NOT NULL,
    mono_ns INTEGER NOT NULL DEFAULT 0,
    sent BLOB NOT NULL,
    status INTEGER,
    response_head BLOB NOT NULL,
    framing TEXT NOT NULL DEFAULT '',
    blob INTEGER REFERENCES blobs(id),
    entity_sha256 TEXT NOT NULL DEFAULT '',
    declared_type TEXT NOT NULL DEFAULT '',
    sniffed_type TEXT NOT NULL DEFAULT '',
    failure TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    expected INTEGER,
    received INTEGER NOT NULL DEFAULT 0,
    rebuilt INTEGER NOT NULL DEFAULT 0,
    peer_ip TEXT NOT NULL DEFAULT '',
    peer_port INTEGER NOT NULL DEFAULT 0,
    http_version TEXT NOT NULL DEFAULT '',
    alpn TEXT NOT NULL DEFAULT '',
    tls_version TEXT NOT NULL DEFAULT '',
    tls_cipher TEXT NOT NULL DEFAULT '',
    tls_chain TEXT NOT NULL DEFAULT '[]',
    dns TEXT NOT NULL DEFAULT '[]',
    proxy TEXT NOT NULL DEFAULT '',
    source_blob TEXT NOT NULL DEFAULT '',
    source_pointer TEXT NOT NULL DEFAULT '',
    site TEXT NOT NULL DEFAULT '',
    worker TEXT NOT NULL DEFAULT '',
    operator TEXT NOT NULL DEFAULT '',
    tool_version TEXT NOT NULL,
    config_sha256 TEXT NOT NULL,
    UNIQUE (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;
CREATE INDEX captures_parent ON captures(parent) WHERE parent <> '';
CREATE INDEX captures_ref ON captures(ref, observed_at);
CREATE INDEX captures_seed ON captures(url) WHERE tier = 'import';
CREATE INDEX captures_blob ON captures(blob);

CREATE TABLE statements (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    object TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL,
    UNIQUE (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;
CREATE INDEX statements_subject ON statements(subject, what);

CREATE TABLE derived (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    at TEXT NOT NULL,
    tool TEXT NOT NULL,
    version TEXT NOT NULL,
    arguments TEXT NOT NULL,
    inputs TEXT NOT NULL,
    blob INTEGER NOT NULL REFERENCES blobs(id),
    UNIQUE (origin, leaf),
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;

-- What a parser said of a capture, by hash: again only when it changes.
CREATE TABLE reading_marks (
    id INTEGER PRIMARY KEY,
    capture INTEGER NOT NULL REFERENCES captures(id),
    stage TEXT NOT NULL,
    parser TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    origin INTEGER NOT NULL REFERENCES origin(id),
    leaf INTEGER NOT NULL,
    FOREIGN KEY (origin, leaf) REFERENCES log_leaf(origin, idx)
) STRICT;
CREATE INDEX reading_marks_capture ON reading_marks(capture, stage, id);

-- Work: mutable, may be lost without harm.

CREATE TABLE work_queue (
    ref TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    purpose TEXT NOT NULL,
    depth INTEGER NOT NULL,
    seed TEXT NOT NULL DEFAULT '',
    priority INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    due_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_outcome TEXT NOT NULL DEFAULT '',
    last_at TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX work_queue_due ON work_queue(due_at, host) WHERE due_at IS NOT NULL;

CREATE TABLE work_hosts (
    host TEXT PRIMARY KEY,
    worker TEXT NOT NULL DEFAULT '',
    fence INTEGER NOT NULL DEFAULT 0,
    leased_until TEXT NOT NULL DEFAULT '',
    not_before TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE work_runs (
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    command TEXT NOT NULL,
    captures INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    exit_code INTEGER
) STRICT;

-- What was read so far, and by which rules: dropped and rebuilt with the readings.
CREATE TABLE work_state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
