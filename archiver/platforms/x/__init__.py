"""X (Twitter). Refs: `x:post:ID`, `x:account:ID`, `x:handle:HANDLE`, `x:short:KEY`.

A post is reached by several routes that show different parts of it; one module reads each shape, `sheet` holds
the rules that they share. `snowflake_time`, `day_ids` and `token` are what an id says by itself.
"""

from archiver.platforms.x.address import EXAMPLES, account_ref, claim, handle_ref, post_ref, short_ref
from archiver.platforms.x.reader import parse, parse_shape
from archiver.platforms.x.routes import plan
from archiver.platforms.x.snowflake import day_ids, snowflake_time, token

__all__ = [
    "EXAMPLES",
    "account_ref",
    "claim",
    "day_ids",
    "handle_ref",
    "parse",
    "parse_shape",
    "plan",
    "post_ref",
    "short_ref",
    "snowflake_time",
    "token",
]
