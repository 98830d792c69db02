"""The name of the rules by which mentions are found, apart from the rules themselves: who only compares names loads
nothing else."""

MENTIONS_POLICY = "mentions/5"
