-- Indexes for the pages of the queue and of runs: what is next, of one host, of one seed, what failed; captures that
-- failed in a time (a uid begins with its time).

DROP INDEX work_queue_due_at;
CREATE INDEX work_queue_due_ref ON work_queue(due_at, ref);
CREATE INDEX work_queue_host ON work_queue(host, due_at, ref);
CREATE INDEX work_queue_seed ON work_queue(seed, due_at, ref);
CREATE INDEX work_queue_failed ON work_queue(due_at, ref) WHERE attempts > 0;
CREATE INDEX work_queue_failed_host ON work_queue(host, due_at, ref) WHERE attempts > 0;
CREATE INDEX work_queue_failed_seed ON work_queue(seed, due_at, ref) WHERE attempts > 0;
CREATE INDEX captures_failed ON captures(uid, failure) WHERE failure <> '';
