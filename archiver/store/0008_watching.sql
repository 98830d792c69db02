-- Watching for years: which seed keeps a ref, what is known of a host, what was asked of it on which day.

ALTER TABLE work_queue ADD COLUMN changed_at TEXT NOT NULL DEFAULT '';
ALTER TABLE work_queue ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work_queue ADD COLUMN kept INTEGER NOT NULL DEFAULT 1;
CREATE INDEX work_queue_turn ON work_queue(host, seed, priority, depth, due_at, ref) WHERE due_at IS NOT NULL AND kept = 1;

CREATE TABLE work_seeds (
    seed TEXT PRIMARY KEY,
    folder TEXT NOT NULL DEFAULT '',
    seen_at TEXT NOT NULL,
    dropped_at TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE work_led (
    ref TEXT NOT NULL,
    led_by TEXT NOT NULL,
    PRIMARY KEY (ref, led_by)
) STRICT, WITHOUT ROWID;
CREATE INDEX work_led_by ON work_led(led_by, ref);
INSERT INTO work_led (ref, led_by) SELECT ref, 'seed:' || seed FROM work_queue WHERE seed <> '';

ALTER TABLE work_hosts ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work_hosts ADD COLUMN opened_at TEXT NOT NULL DEFAULT '';

CREATE TABLE work_days (
    host TEXT NOT NULL,
    day TEXT NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (host, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE work_routes (
    route TEXT NOT NULL,
    day TEXT NOT NULL,
    answered INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    last_answer TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (route, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE work_told (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    made_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at TEXT,
    told_at TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX work_told_due ON work_told(due_at) WHERE due_at IS NOT NULL;

ALTER TABLE work_runs ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work_runs ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work_runs ADD COLUMN summary TEXT NOT NULL DEFAULT '';
