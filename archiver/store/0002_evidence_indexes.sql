-- Indexes for reading: every foreign key has one, and each facet of captures is counted from an index alone.
-- The three facets stand in rotation, so that each comes first once and any filter on one finds the other two.

CREATE INDEX captures_platform_route_failure ON captures(platform, route, failure);
CREATE INDEX captures_route_failure_platform ON captures(route, failure, platform);
CREATE INDEX captures_failure_platform_route ON captures(failure, platform, route);
CREATE INDEX derived_blob ON derived(blob);
CREATE INDEX reading_marks_leaf ON reading_marks(origin, leaf);
CREATE INDEX work_queue_due_at ON work_queue(due_at);
