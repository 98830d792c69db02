"""Puts the JSON-LD context of RO-Crate 1.1 into the cache of roc-validator, so that it judges without a network.

Run by the Python that has roc-validator and rocrate 0.14 (`make judges`): `python crate_context.py CACHE`. The context
is the copy that rocrate carries; the cache is what the validator's `--cache-path` names.
"""

from __future__ import annotations

import io
import sys
from importlib import resources
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from urllib3.response import HTTPResponse

ADDRESS = "https://w3id.org/ro/crate/1.1/context"


class Shelf(BaseAdapter):
    """Answers with the context, whatever is asked for."""

    def send(self, request: requests.PreparedRequest, *unused: Any, **more: Any) -> requests.Response:
        body = resources.files("rocrate.data").joinpath("ro-crate.jsonld").read_bytes()
        if ADDRESS.encode() not in body[:200]:
            sys.exit("this rocrate carries the context of another RO-Crate")
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = HTTPResponse(
            body=io.BytesIO(body), headers=answer.headers, status=200, preload_content=False, request_url=ADDRESS
        )
        return answer

    def close(self) -> None:
        """Nothing is open."""


if __name__ == "__main__":
    with CachedSession(cache_name=sys.argv[1], backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Shelf())
        session.get(ADDRESS).raise_for_status()
