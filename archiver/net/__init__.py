"""The network, and time as the network tells it. Only here: httpx."""

import sys

# httpx imports its command line, with rich and pygments, where those are installed: 30 ms at each start. None is
# Python's mark for a module that cannot be imported; httpx then goes without, as it does where they are missing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # typeshed does not know the mark
