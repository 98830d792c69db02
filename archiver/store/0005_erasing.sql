-- Erasure. The triggers that let content go, and nothing else, only where an `erase` leaf names it, are made anew after
-- each migration (see `guard`). Here are the indexes by which what was erased is found.
CREATE INDEX erasures_what ON erasures(what);
CREATE INDEX derived_tool ON derived(tool, origin, leaf);
