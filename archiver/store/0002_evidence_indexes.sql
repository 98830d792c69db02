-- Indexes for reading: every foreign key has one, and each facet of captures is counted from an index alone.
-- Each of the two facets comes first once, so that any filter on one finds the other and the route.

CREATE INDEX captures_platform_failure_route ON captures(platform, failure, route);
CREATE INDEX captures_failure_platform_route ON captures(failure, platform, route);
CREATE INDEX derived_blob ON derived(blob);
CREATE INDEX reading_marks_leaf ON reading_marks(origin, leaf);
CREATE INDEX work_queue_due_at ON work_queue(due_at);
