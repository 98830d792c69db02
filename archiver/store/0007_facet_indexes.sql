-- Indexes for the table page of captures. It shows the newest of a platform, of a failure, or of both: each of these
-- indexes gives them in the order of their ids, so that a page sorts nothing. How many there are is summed up in work.

DROP INDEX captures_platform_failure_route;
DROP INDEX captures_failure_platform_route;
CREATE INDEX captures_platform ON captures(platform);
CREATE INDEX captures_failure ON captures(failure);
CREATE INDEX captures_platform_failure ON captures(platform, failure);
