"""The chain of a post: what it quotes, up to the origin, and everyone who quoted it, down to documents.

Another page shows the small graph like this: `gather(reader, ref, small=True)` among its values, `picture(chain, at)`
as `graph` in what it is dressed with, `{% include "archiver_chain_graph.html" %}` in its template, `CSS` and
`SCRIPTS` among its files and `READS` among the tables that it reads.
"""

from archiver.datasette_plugin.chain.edges import READS
from archiver.datasette_plugin.chain.gathering import gather
from archiver.datasette_plugin.chain.picture import picture

CSS, SCRIPTS = ("chain.css",), ("chain.js",)

__all__ = ["CSS", "READS", "SCRIPTS", "gather", "picture"]
