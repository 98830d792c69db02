CREATE TABLE "refs" (
   "id" INTEGER PRIMARY KEY,
   "ref" TEXT NOT NULL,
   "platform" TEXT NOT NULL,
   "kind" TEXT NOT NULL,
   "remote_id" TEXT NOT NULL
, label TEXT GENERATED ALWAYS AS (CASE WHEN platform = 'doc' THEN 'doc:' || kind || ':' || substr(remote_id, 1, 8) || '…' || substr(remote_id, 65) ELSE ref END)) STRICT;
CREATE UNIQUE INDEX "refs_key"
    ON "refs" ("ref");
CREATE INDEX "refs_platform"
    ON "refs" ("platform");
CREATE INDEX "refs_kind"
    ON "refs" ("kind");
CREATE INDEX "refs_platform_kind"
    ON "refs" ("platform", "kind");
CREATE TABLE "collections" (
   "id" INTEGER PRIMARY KEY,
   "name" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "collections_key"
    ON "collections" ("name");
CREATE TABLE "documents" (
   "id" INTEGER PRIMARY KEY REFERENCES "refs"("id"),
   "title" TEXT NOT NULL,
   "media_type" TEXT NOT NULL,
   "mentions" INTEGER NOT NULL,
   "characters" INTEGER NOT NULL,
   "lang" TEXT NOT NULL,
   "text" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "sha256" TEXT NOT NULL,
   "encoding" TEXT NOT NULL,
   "encoding_from" TEXT NOT NULL,
   "source_map" TEXT NOT NULL
, label TEXT GENERATED ALWAYS AS (CASE WHEN title <> '' THEN substr(title, 1, 80) ELSE media_type || ' ' || substr(sha256, 1, 8) END)) STRICT;
CREATE INDEX "documents_capture"
    ON "documents" ("capture");
CREATE VIRTUAL TABLE "documents_fts" USING FTS5 (
    "title", "text",
    tokenize='unicode61',
    content="documents"
);
CREATE TRIGGER "documents_ai" AFTER INSERT ON "documents" BEGIN
  INSERT INTO "documents_fts" (rowid, "title", "text") VALUES (new.rowid, new."title", new."text");
END;
CREATE TRIGGER "documents_ad" AFTER DELETE ON "documents" BEGIN
  INSERT INTO "documents_fts" ("documents_fts", rowid, "title", "text") VALUES('delete', old.rowid, old."title", old."text");
END;
CREATE TRIGGER "documents_au" AFTER UPDATE ON "documents" BEGIN
  INSERT INTO "documents_fts" ("documents_fts", rowid, "title", "text") VALUES('delete', old.rowid, old."title", old."text");
  INSERT INTO "documents_fts" (rowid, "title", "text") VALUES (new.rowid, new."title", new."text");
END;
CREATE TABLE "collection_documents" (
   "id" INTEGER PRIMARY KEY,
   "collection" INTEGER NOT NULL REFERENCES "collections"("id"),
   "document" INTEGER NOT NULL REFERENCES "documents"("id"),
   "capture" INTEGER NOT NULL REFERENCES "captures"("id")
) STRICT;
CREATE UNIQUE INDEX "collection_documents_key"
    ON "collection_documents" ("collection", "document");
CREATE INDEX "collection_documents_document"
    ON "collection_documents" ("document");
CREATE INDEX "collection_documents_capture"
    ON "collection_documents" ("capture");
CREATE INDEX "collection_documents_collection_capture"
    ON "collection_documents" ("collection", "capture");
CREATE TABLE "mentions" (
   "id" INTEGER PRIMARY KEY,
   "document" INTEGER NOT NULL REFERENCES "documents"("id"),
   "ordinal" INTEGER NOT NULL,
   "kind" TEXT NOT NULL,
   "quoted" TEXT NOT NULL,
   "target" INTEGER REFERENCES "refs"("id"),
   "handle" TEXT NOT NULL,
   "name" TEXT NOT NULL,
   "day" TEXT NOT NULL,
   "url" TEXT NOT NULL,
   "platform" TEXT NOT NULL,
   "ref" INTEGER NOT NULL REFERENCES "refs"("id"),
   "text_start" INTEGER NOT NULL,
   "text_end" INTEGER NOT NULL,
   "source_start" INTEGER NOT NULL,
   "source_end" INTEGER NOT NULL,
   "quote_start" INTEGER,
   "quote_end" INTEGER,
   "dated" TEXT NOT NULL,
   "day_zone" TEXT NOT NULL,
   "markup" TEXT NOT NULL,
   "wider" TEXT NOT NULL
, label TEXT GENERATED ALWAYS AS (CASE WHEN quoted = '' THEN kind || ' ' || url WHEN length(quoted) > 80 THEN substr(quoted, 1, 80) || '…' ELSE quoted END)) STRICT;
CREATE UNIQUE INDEX "mentions_key"
    ON "mentions" ("document", "ordinal");
CREATE INDEX "mentions_ref"
    ON "mentions" ("ref");
CREATE INDEX "mentions_target"
    ON "mentions" ("target");
CREATE INDEX "mentions_kind"
    ON "mentions" ("kind");
CREATE INDEX "mentions_platform"
    ON "mentions" ("platform");
CREATE INDEX "mentions_kind_platform"
    ON "mentions" ("kind", "platform");
CREATE VIRTUAL TABLE "mentions_fts" USING FTS5 (
    "quoted",
    tokenize='unicode61',
    content="mentions"
);
CREATE TRIGGER "mentions_ai" AFTER INSERT ON "mentions" BEGIN
  INSERT INTO "mentions_fts" (rowid, "quoted") VALUES (new.rowid, new."quoted");
END;
CREATE TRIGGER "mentions_ad" AFTER DELETE ON "mentions" BEGIN
  INSERT INTO "mentions_fts" ("mentions_fts", rowid, "quoted") VALUES('delete', old.rowid, old."quoted");
END;
CREATE TRIGGER "mentions_au" AFTER UPDATE ON "mentions" BEGIN
  INSERT INTO "mentions_fts" ("mentions_fts", rowid, "quoted") VALUES('delete', old.rowid, old."quoted");
  INSERT INTO "mentions_fts" (rowid, "quoted") VALUES (new.rowid, new."quoted");
END;
CREATE TABLE "mention_links" (
   "id" INTEGER PRIMARY KEY,
   "mention" INTEGER NOT NULL REFERENCES "mentions"("id"),
   "ordinal" INTEGER NOT NULL,
   "role" TEXT NOT NULL,
   "url" TEXT NOT NULL,
   "ref" INTEGER REFERENCES "refs"("id")
) STRICT;
CREATE UNIQUE INDEX "mention_links_key"
    ON "mention_links" ("mention", "ordinal");
CREATE INDEX "mention_links_ref"
    ON "mention_links" ("ref");
CREATE TABLE "repairs" (
   "id" INTEGER PRIMARY KEY,
   "document" INTEGER NOT NULL REFERENCES "documents"("id"),
   "ordinal" INTEGER NOT NULL,
   "start" INTEGER NOT NULL,
   "end" INTEGER NOT NULL,
   "steps" TEXT NOT NULL,
   "before" TEXT NOT NULL,
   "after" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "repairs_key"
    ON "repairs" ("document", "ordinal");
CREATE TABLE "posts" (
   "id" INTEGER PRIMARY KEY REFERENCES "refs"("id"),
   "platform" TEXT NOT NULL,
   "handle" TEXT NOT NULL,
   "text" TEXT NOT NULL,
   "posted_at" TEXT NOT NULL,
   "outcome" TEXT NOT NULL,
   "outcome_at" TEXT NOT NULL,
   "edits" INTEGER NOT NULL,
   "versions" INTEGER NOT NULL,
   "first_seen" TEXT NOT NULL,
   "last_seen" TEXT NOT NULL,
   "url" TEXT NOT NULL,
   "name" TEXT NOT NULL,
   "author" INTEGER REFERENCES "refs"("id"),
   "lang" TEXT NOT NULL,
   "warning" TEXT NOT NULL,
   "truncated" INTEGER NOT NULL
, label TEXT GENERATED ALWAYS AS (CASE WHEN handle <> '' THEN '@' || handle || ': ' ELSE '' END || substr(text, 1, 80) || CASE WHEN length(text) > 80 THEN '…' ELSE '' END)) STRICT;
CREATE INDEX "posts_author"
    ON "posts" ("author");
CREATE INDEX "posts_platform"
    ON "posts" ("platform");
CREATE INDEX "posts_outcome"
    ON "posts" ("outcome");
CREATE INDEX "posts_platform_outcome"
    ON "posts" ("platform", "outcome");
CREATE INDEX "posts_outcome_outcome_at"
    ON "posts" ("outcome", "outcome_at");
CREATE INDEX "posts_posted_at"
    ON "posts" ("posted_at");
CREATE VIRTUAL TABLE "posts_fts" USING FTS5 (
    "text", "handle", "name",
    tokenize='unicode61',
    content="posts"
);
CREATE TRIGGER "posts_ai" AFTER INSERT ON "posts" BEGIN
  INSERT INTO "posts_fts" (rowid, "text", "handle", "name") VALUES (new.rowid, new."text", new."handle", new."name");
END;
CREATE TRIGGER "posts_ad" AFTER DELETE ON "posts" BEGIN
  INSERT INTO "posts_fts" ("posts_fts", rowid, "text", "handle", "name") VALUES('delete', old.rowid, old."text", old."handle", old."name");
END;
CREATE TRIGGER "posts_au" AFTER UPDATE ON "posts" BEGIN
  INSERT INTO "posts_fts" ("posts_fts", rowid, "text", "handle", "name") VALUES('delete', old.rowid, old."text", old."handle", old."name");
  INSERT INTO "posts_fts" (rowid, "text", "handle", "name") VALUES (new.rowid, new."text", new."handle", new."name");
END;
CREATE TABLE "versions" (
   "id" INTEGER PRIMARY KEY,
   "post" INTEGER NOT NULL REFERENCES "posts"("id"),
   "text" TEXT NOT NULL,
   "posted_at" TEXT NOT NULL,
   "edited_at" TEXT NOT NULL,
   "truncated" INTEGER NOT NULL,
   "lang" TEXT NOT NULL,
   "warning" TEXT NOT NULL,
   "sensitive" INTEGER NOT NULL,
   "version_id" TEXT NOT NULL,
   "sha256" TEXT NOT NULL
, label TEXT GENERATED ALWAYS AS (CASE WHEN text = '' THEN 'no words' WHEN length(text) > 80 THEN substr(text, 1, 80) || '…' ELSE text END)) STRICT;
CREATE UNIQUE INDEX "versions_key"
    ON "versions" ("post", "sha256");
CREATE VIRTUAL TABLE "versions_fts" USING FTS5 (
    "text",
    tokenize='unicode61',
    content="versions"
);
CREATE TRIGGER "versions_ai" AFTER INSERT ON "versions" BEGIN
  INSERT INTO "versions_fts" (rowid, "text") VALUES (new.rowid, new."text");
END;
CREATE TRIGGER "versions_ad" AFTER DELETE ON "versions" BEGIN
  INSERT INTO "versions_fts" ("versions_fts", rowid, "text") VALUES('delete', old.rowid, old."text");
END;
CREATE TRIGGER "versions_au" AFTER UPDATE ON "versions" BEGIN
  INSERT INTO "versions_fts" ("versions_fts", rowid, "text") VALUES('delete', old.rowid, old."text");
  INSERT INTO "versions_fts" (rowid, "text") VALUES (new.rowid, new."text");
END;
CREATE TABLE "sightings" (
   "id" INTEGER PRIMARY KEY,
   "version" INTEGER NOT NULL REFERENCES "versions"("id"),
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "route" TEXT NOT NULL,
   "whole" INTEGER NOT NULL,
   "edited" INTEGER NOT NULL,
   "handle" TEXT NOT NULL,
   "name" TEXT NOT NULL,
   "counts" TEXT NOT NULL,
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "sightings_key"
    ON "sightings" ("version", "capture", "pointer");
CREATE INDEX "sightings_capture"
    ON "sightings" ("capture");
CREATE TABLE "edits" (
   "id" INTEGER PRIMARY KEY,
   "post" INTEGER NOT NULL REFERENCES "posts"("id"),
   "shown_by" TEXT NOT NULL,
   "route" TEXT NOT NULL,
   "before" INTEGER REFERENCES "versions"("id"),
   "after" INTEGER NOT NULL REFERENCES "versions"("id"),
   "capture_before" INTEGER REFERENCES "captures"("id"),
   "capture_after" INTEGER NOT NULL REFERENCES "captures"("id")
) STRICT;
CREATE UNIQUE INDEX "edits_key"
    ON "edits" ("post", "shown_by", "route", "before", "after", "capture_after");
CREATE INDEX "edits_before"
    ON "edits" ("before");
CREATE INDEX "edits_after"
    ON "edits" ("after");
CREATE INDEX "edits_capture_before"
    ON "edits" ("capture_before");
CREATE INDEX "edits_capture_after"
    ON "edits" ("capture_after");
CREATE TABLE "events" (
   "id" INTEGER PRIMARY KEY,
   "post" INTEGER NOT NULL REFERENCES "posts"("id"),
   "kind" TEXT NOT NULL,
   "outcome" TEXT NOT NULL,
   "at" TEXT NOT NULL,
   "platform" TEXT NOT NULL,
   "month" TEXT NOT NULL,
   "told_at" TEXT NOT NULL,
   "capture_before" INTEGER REFERENCES "captures"("id"),
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "before" INTEGER REFERENCES "versions"("id"),
   "after" INTEGER REFERENCES "versions"("id")
) STRICT;
CREATE UNIQUE INDEX "events_key"
    ON "events" ("post", "kind", "capture", "after");
CREATE INDEX "events_at"
    ON "events" ("at");
CREATE INDEX "events_platform_at"
    ON "events" ("platform", "at");
CREATE INDEX "events_kind_at"
    ON "events" ("kind", "at");
CREATE INDEX "events_kind_platform_at"
    ON "events" ("kind", "platform", "at");
CREATE INDEX "events_outcome_at"
    ON "events" ("outcome", "at");
CREATE INDEX "events_outcome_platform_at"
    ON "events" ("outcome", "platform", "at");
CREATE INDEX "events_month_kind_outcome_platform"
    ON "events" ("month", "kind", "outcome", "platform");
CREATE INDEX "events_before"
    ON "events" ("before");
CREATE INDEX "events_after"
    ON "events" ("after");
CREATE INDEX "events_capture_before"
    ON "events" ("capture_before");
CREATE INDEX "events_capture"
    ON "events" ("capture");
CREATE TABLE "accounts" (
   "id" INTEGER PRIMARY KEY REFERENCES "refs"("id"),
   "platform" TEXT NOT NULL,
   "handle" TEXT NOT NULL,
   "name" TEXT NOT NULL,
   "url" TEXT NOT NULL
, label TEXT GENERATED ALWAYS AS (CASE WHEN handle <> '' THEN '@' || handle WHEN name <> '' THEN name ELSE 'account ' || id END)) STRICT;
CREATE INDEX "accounts_platform_handle"
    ON "accounts" ("platform", "handle");
CREATE TABLE "account_names" (
   "id" INTEGER PRIMARY KEY,
   "account" INTEGER NOT NULL REFERENCES "accounts"("id"),
   "handle" TEXT NOT NULL,
   "name" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "account_names_key"
    ON "account_names" ("account", "handle", "name");
CREATE INDEX "account_names_handle"
    ON "account_names" ("handle");
CREATE INDEX "account_names_capture"
    ON "account_names" ("capture");
CREATE TABLE "outcomes" (
   "id" INTEGER PRIMARY KEY,
   "ref" INTEGER NOT NULL REFERENCES "refs"("id"),
   "outcome" TEXT NOT NULL,
   "reason" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "outcomes_key"
    ON "outcomes" ("capture", "ref");
CREATE INDEX "outcomes_ref"
    ON "outcomes" ("ref");
CREATE INDEX "outcomes_outcome"
    ON "outcomes" ("outcome");
CREATE TABLE "media" (
   "id" INTEGER PRIMARY KEY,
   "post" INTEGER NOT NULL REFERENCES "posts"("id"),
   "kind" TEXT NOT NULL,
   "alt" TEXT NOT NULL,
   "width" INTEGER NOT NULL,
   "height" INTEGER NOT NULL,
   "url" TEXT NOT NULL,
   "file" INTEGER REFERENCES "refs"("id"),
   "rank" INTEGER NOT NULL,
   "bitrate" INTEGER NOT NULL,
   "content_type" TEXT NOT NULL,
   "key" TEXT NOT NULL,
   "sha256" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "media_key"
    ON "media" ("post", "key", "url");
CREATE INDEX "media_file"
    ON "media" ("file");
CREATE INDEX "media_capture"
    ON "media" ("capture");
CREATE INDEX "media_kind"
    ON "media" ("kind");
CREATE INDEX "media_key_post"
    ON "media" ("key", "post");
CREATE TABLE "files" (
   "id" INTEGER PRIMARY KEY,
   "ref" INTEGER NOT NULL REFERENCES "refs"("id"),
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "blob" INTEGER REFERENCES "blobs"("id"),
   "declared_type" TEXT NOT NULL,
   "sniffed_type" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "files_key"
    ON "files" ("ref", "capture");
CREATE INDEX "files_blob_capture"
    ON "files" ("blob", "capture");
CREATE INDEX "files_capture"
    ON "files" ("capture");
CREATE TABLE "media_blobs" (
   "id" INTEGER PRIMARY KEY,
   "blob" INTEGER NOT NULL REFERENCES "blobs"("id"),
   "kind" TEXT NOT NULL,
   "media_type" TEXT NOT NULL,
   "width" INTEGER NOT NULL,
   "height" INTEGER NOT NULL,
   "animated" INTEGER NOT NULL,
   "dhash" TEXT NOT NULL,
   "quarter_a" TEXT NOT NULL,
   "quarter_b" TEXT NOT NULL,
   "quarter_c" TEXT NOT NULL,
   "quarter_d" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "reason" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "media_blobs_key"
    ON "media_blobs" ("blob");
CREATE INDEX "media_blobs_capture"
    ON "media_blobs" ("capture");
CREATE INDEX "media_blobs_kind_capture"
    ON "media_blobs" ("kind", "capture");
CREATE INDEX "media_blobs_quarter_a_dhash"
    ON "media_blobs" ("quarter_a", "dhash");
CREATE INDEX "media_blobs_quarter_b_dhash"
    ON "media_blobs" ("quarter_b", "dhash");
CREATE INDEX "media_blobs_quarter_c_dhash"
    ON "media_blobs" ("quarter_c", "dhash");
CREATE INDEX "media_blobs_quarter_d_dhash"
    ON "media_blobs" ("quarter_d", "dhash");
CREATE TABLE "media_carriers" (
   "id" INTEGER PRIMARY KEY,
   "blob" INTEGER NOT NULL REFERENCES "blobs"("id"),
   "post" INTEGER NOT NULL REFERENCES "posts"("id"),
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "platform" TEXT NOT NULL,
   "author" INTEGER REFERENCES "refs"("id"),
   "kind" TEXT NOT NULL,
   "sensitive" INTEGER NOT NULL,
   "described" INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX "media_carriers_key"
    ON "media_carriers" ("blob", "post");
CREATE INDEX "media_carriers_post"
    ON "media_carriers" ("post");
CREATE INDEX "media_carriers_author_capture"
    ON "media_carriers" ("author", "capture");
CREATE INDEX "media_carriers_blob_sensitive"
    ON "media_carriers" ("blob", "sensitive");
CREATE INDEX "media_carriers_capture_blob"
    ON "media_carriers" ("capture", "blob");
CREATE INDEX "media_carriers_platform_capture_blob"
    ON "media_carriers" ("platform", "capture", "blob");
CREATE INDEX "media_carriers_sensitive_capture_blob"
    ON "media_carriers" ("sensitive", "capture", "blob");
CREATE INDEX "media_carriers_described_capture_blob"
    ON "media_carriers" ("described", "capture", "blob");
CREATE TABLE "blurred" (
   "id" INTEGER PRIMARY KEY,
   "post" INTEGER NOT NULL REFERENCES "posts"("id")
) STRICT;
CREATE UNIQUE INDEX "blurred_key"
    ON "blurred" ("post");
CREATE TABLE "aliases" (
   "id" INTEGER PRIMARY KEY,
   "alias" INTEGER NOT NULL REFERENCES "refs"("id"),
   "ref" INTEGER NOT NULL REFERENCES "refs"("id"),
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "pointer" TEXT NOT NULL,
   "observed_at" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "aliases_key"
    ON "aliases" ("alias", "ref");
CREATE INDEX "aliases_ref"
    ON "aliases" ("ref");
CREATE INDEX "aliases_capture"
    ON "aliases" ("capture");
CREATE TABLE "edges" (
   "id" INTEGER PRIMARY KEY,
   "kind" TEXT NOT NULL,
   "source" INTEGER NOT NULL REFERENCES "refs"("id"),
   "target" INTEGER NOT NULL REFERENCES "refs"("id"),
   "evidence" TEXT NOT NULL,
   "pinned" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "edges_key"
    ON "edges" ("kind", "source", "target", "evidence", "pinned");
CREATE INDEX "edges_source_kind"
    ON "edges" ("source", "kind");
CREATE INDEX "edges_target_kind"
    ON "edges" ("target", "kind");
CREATE INDEX "edges_capture"
    ON "edges" ("capture");
CREATE INDEX "edges_kind"
    ON "edges" ("kind");
CREATE INDEX "edges_evidence"
    ON "edges" ("evidence");
CREATE INDEX "edges_kind_evidence"
    ON "edges" ("kind", "evidence");
CREATE TABLE "proofs" (
   "id" INTEGER PRIMARY KEY,
   "ref" INTEGER NOT NULL REFERENCES "refs"("id"),
   "kind" TEXT NOT NULL,
   "valid" INTEGER,
   "detail" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "proofs_key"
    ON "proofs" ("capture", "ref", "kind", "pointer");
CREATE INDEX "proofs_ref"
    ON "proofs" ("ref");
CREATE INDEX "proofs_kind_valid"
    ON "proofs" ("kind", "valid");
CREATE TABLE "pages" (
   "id" INTEGER PRIMARY KEY,
   "ref" INTEGER NOT NULL REFERENCES "refs"("id"),
   "title" TEXT NOT NULL,
   "author" TEXT NOT NULL,
   "site" TEXT NOT NULL,
   "published_at" TEXT NOT NULL,
   "modified_at" TEXT NOT NULL,
   "description" TEXT NOT NULL,
   "lang" TEXT NOT NULL,
   "canonical" TEXT NOT NULL,
   "image" TEXT NOT NULL,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id")
) STRICT;
CREATE UNIQUE INDEX "pages_key"
    ON "pages" ("capture", "ref");
CREATE INDEX "pages_ref"
    ON "pages" ("ref");
CREATE TABLE "unread" (
   "id" INTEGER PRIMARY KEY,
   "capture" INTEGER NOT NULL REFERENCES "captures"("id"),
   "ordinal" INTEGER NOT NULL,
   "reason" TEXT NOT NULL,
   "pointer" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "unread_key"
    ON "unread" ("capture", "ordinal");
CREATE TABLE "resolutions" (
   "id" INTEGER PRIMARY KEY,
   "mention" INTEGER NOT NULL REFERENCES "mentions"("id"),
   "status" TEXT NOT NULL,
   "how" TEXT NOT NULL,
   "ref" INTEGER REFERENCES "refs"("id"),
   "candidate" INTEGER REFERENCES "refs"("id"),
   "id_low" TEXT NOT NULL,
   "id_high" TEXT NOT NULL,
   "reason" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "resolutions_key"
    ON "resolutions" ("mention");
CREATE INDEX "resolutions_ref"
    ON "resolutions" ("ref");
CREATE INDEX "resolutions_candidate"
    ON "resolutions" ("candidate");
CREATE INDEX "resolutions_status"
    ON "resolutions" ("status");
CREATE INDEX "resolutions_status_ref"
    ON "resolutions" ("status", "ref");
CREATE TABLE "phrases" (
   "id" INTEGER PRIMARY KEY,
   "document" INTEGER NOT NULL REFERENCES "documents"("id"),
   "start" INTEGER NOT NULL,
   "end" INTEGER NOT NULL,
   "owner" INTEGER NOT NULL REFERENCES "refs"("id"),
   "text" TEXT NOT NULL,
   "gram" INTEGER NOT NULL,
   "mark" INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX "phrases_key"
    ON "phrases" ("document", "start", "end");
CREATE INDEX "phrases_gram"
    ON "phrases" ("gram");
CREATE INDEX "phrases_mark"
    ON "phrases" ("mark");
CREATE INDEX "phrases_owner"
    ON "phrases" ("owner");
CREATE TABLE "matches" (
   "id" INTEGER PRIMARY KEY,
   "mention" INTEGER NOT NULL REFERENCES "mentions"("id"),
   "verdict" TEXT NOT NULL,
   "flags" TEXT NOT NULL,
   "version" INTEGER REFERENCES "versions"("id"),
   "post" INTEGER REFERENCES "refs"("id"),
   "changes" TEXT NOT NULL,
   "faithful" INTEGER NOT NULL,
   "rank" INTEGER NOT NULL,
   "found_by" TEXT NOT NULL,
   "reason" TEXT NOT NULL,
   "score" TEXT NOT NULL,
   "steps" TEXT NOT NULL,
   "omitted" TEXT NOT NULL,
   "quoted_start" INTEGER,
   "quoted_end" INTEGER,
   "original_start" INTEGER,
   "original_end" INTEGER,
   "standard" TEXT NOT NULL,
   "policy" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "matches_key"
    ON "matches" ("mention", "version", "rank");
CREATE INDEX "matches_version"
    ON "matches" ("version");
CREATE INDEX "matches_post"
    ON "matches" ("post");
CREATE INDEX "matches_verdict"
    ON "matches" ("verdict");
CREATE INDEX "matches_found_by"
    ON "matches" ("found_by");
CREATE INDEX "matches_verdict_found_by"
    ON "matches" ("verdict", "found_by");
CREATE TABLE "sources" (
   "id" INTEGER PRIMARY KEY,
   "mention" INTEGER NOT NULL REFERENCES "mentions"("id"),
   "source" INTEGER NOT NULL REFERENCES "refs"("id"),
   "words" INTEGER NOT NULL,
   "verdict" TEXT NOT NULL,
   "claimed_at" TEXT NOT NULL,
   "first_seen" TEXT NOT NULL,
   "rank" INTEGER NOT NULL,
   "version" INTEGER REFERENCES "versions"("id"),
   "flags" TEXT NOT NULL,
   "reason" TEXT NOT NULL,
   "score" TEXT NOT NULL,
   "steps" TEXT NOT NULL,
   "standard" TEXT NOT NULL,
   "passage_start" INTEGER NOT NULL,
   "passage_end" INTEGER NOT NULL,
   "place_start" INTEGER NOT NULL,
   "place_end" INTEGER NOT NULL,
   "policy" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "sources_key"
    ON "sources" ("mention", "source");
CREATE INDEX "sources_source"
    ON "sources" ("source");
CREATE INDEX "sources_version"
    ON "sources" ("version");
CREATE TABLE "tallies" (
   "id" INTEGER PRIMARY KEY,
   "name" TEXT NOT NULL,
   "a" TEXT NOT NULL,
   "b" TEXT NOT NULL,
   "c" TEXT NOT NULL,
   "n" INTEGER NOT NULL,
   "first_at" TEXT NOT NULL,
   "last_at" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "tallies_key"
    ON "tallies" ("name", "a", "b", "c");
CREATE VIEW gone AS SELECT p.outcome, p.handle, p.text, p.posted_at, p.last_seen, p.outcome_at, p.url AS address, (SELECT r.ref FROM refs r WHERE r.id = p.id) AS ref FROM posts p WHERE p.outcome IN ('suspended', 'protected', 'withheld', 'age-gated', 'login-required', 'deleted', 'not-found', 'unavailable');
CREATE VIEW quotations AS SELECT (SELECT c.url FROM documents d JOIN captures c ON c.id = d.capture WHERE d.id = m.document) AS document, m.kind, m.quoted, (SELECT x.verdict FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1) AS verdict, (SELECT x.flags FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1) AS flags, coalesce((SELECT v.text FROM versions v WHERE v.id = (SELECT x.version FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1)), (SELECT o.text FROM posts o WHERE o.id = coalesce((SELECT coalesce(s.ref, s.candidate) FROM resolutions s WHERE s.mention = m.id), (SELECT x.post FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1)))) AS original, (SELECT o.outcome FROM posts o WHERE o.id = coalesce((SELECT coalesce(s.ref, s.candidate) FROM resolutions s WHERE s.mention = m.id), (SELECT x.post FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1))) AS outcome, m.handle, m.day, (SELECT s.status FROM resolutions s WHERE s.mention = m.id) AS resolution, (SELECT s.how FROM resolutions s WHERE s.mention = m.id) AS how, coalesce((SELECT nullif(s.reason, '') FROM resolutions s WHERE s.mention = m.id), (SELECT x.reason FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1), '') AS reason, (SELECT p.ref FROM refs p WHERE p.id = coalesce((SELECT coalesce(s.ref, s.candidate) FROM resolutions s WHERE s.mention = m.id), (SELECT x.post FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1))) AS post, (SELECT o.url FROM posts o WHERE o.id = coalesce((SELECT coalesce(s.ref, s.candidate) FROM resolutions s WHERE s.mention = m.id), (SELECT x.post FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1))) AS address, (SELECT r.ref FROM refs r WHERE r.id = m.ref) AS passage FROM mentions m;
