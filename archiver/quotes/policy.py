"""The name of the rules of this room in stored matches: it changes whenever a verdict may change. Apart from the rules
themselves: who only compares names loads nothing else."""

QUOTES_POLICY = "quotes/4"
