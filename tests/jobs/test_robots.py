"""robots.txt for pages that posts link to, on real sockets: what is asked of whom, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from players import Mastodon, Site
from playing import Reply, Server, message, moved, page
from running import Desk, lines, sound

from archiver.cli import main
from archiver.jobs import follow
from archiver.jobs.config import load
from archiver.jobs.reporting import Report
from archiver.jobs.run import Options, run_archive
from archiver.net.clock import text_of

TEXT = "Content-Type: text/plain"
RULES = "SELECT uid, status, failure, detail, recorded_at FROM captures WHERE route = 'robots' ORDER BY id"

BROKEN = message(b"", status="304 Not Modified")
"""To no condition: as little of an answer as a 500, and not tried again after a pause."""


def rules(*lines: str) -> Reply:
    return message("\n".join(lines).encode(), TEXT)


@dataclass
class Desks:
    """Two sites, a Mastodon host whose posts link to them, and an archive of those posts."""

    desk: Desk
    host: Mastodon = field(default_factory=Mastodon)
    site: Site = field(default_factory=Site)
    other: Site = field(default_factory=Site)
    ahead: timedelta = field(default_factory=timedelta)
    seeds: list[str] = field(default_factory=list)
    more: tuple[Server, ...] = ()
    hosts: str = ""

    def __post_init__(self) -> None:
        for site in (self.site, self.other):
            site.pages |= {f"/{name}": page(name, f"words of {name}") for name in ("open", "closed", "third")}

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.host.server, self.site.server, self.other.server, *self.more

    def post(self, number: str, *links: str) -> str:
        number = f"11336000000000000{number}"
        words = " ".join(f'<a href="{link}">{link}</a>' for link in links)
        self.host.toot("vera", number, f"<p>Read this: {words}</p>", "2024-10-24T11:45:00.000Z")
        self.seeds.append(self.host.url("vera", number))
        return self.seeds[-1]

    def now(self) -> str:
        return text_of(datetime.now(UTC) + self.ahead)

    def run(self, *, seeds: bool = True, follow: str = "", recheck: bool = False) -> Report:
        places = ", ".join(f'"{server.place}"' for server in self.servers)
        self.desk.config.write_text(
            f'[archive]\noperator = "Desk"\n[network]\nallow_private = [{places}]\nconnect_timeout = 3.0\n'
            f"read_timeout = 5.0\n[pace]\ndefault = 0.0\n[follow]\nwait = 1.0\n{follow}\n{self.hosts}\n"
        )
        seed = self.desk.seed("list.txt", lines(self.seeds))
        options = Options(seeds=(str(seed),) if seeds else (), recheck=recheck)
        return run_archive(self.desk.db, load(self.desk.config), options, now=self.now)

    def of(self, path: str, site: Site | None = None) -> list[tuple[object, ...]]:
        """(status, failure, detail) of the captures of a page."""
        url = (site or self.site).url(path)
        return [
            tuple(row)
            for row in self.desk.rows(
                "SELECT status, failure, detail FROM captures WHERE route = 'page' AND url = ? ORDER BY id", url
            )
        ]

    def outcome(self, path: str, site: Site | None = None) -> list[str]:
        ref = f"web:page:{(site or self.site).url(path)}"
        rows = self.desk.rows(
            "SELECT o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref WHERE r.ref = ? ORDER BY o.capture", ref
        )
        return [row[0] for row in rows]


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    made = Desks(Desk(tmp_path, tmp_path / "archiver.toml"))
    yield made
    for server in made.servers:
        server.close()


def test_a_crawled_page_is_asked_for_only_where_robots_txt_lets_it(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", desks.site.url("/open"), desks.site.url("/closed"))
    report = desks.run()
    asked = desks.site.server.targets()
    assert asked[0] == "/robots.txt"
    assert sorted(asked) == ["/open", "/robots.txt"]
    ((uid, *_),) = desks.desk.table(RULES)
    ((status, failure, detail),) = desks.of("/closed")
    place = desks.site.server.place
    assert (status, failure) == (None, "blocked")
    said = f"not asked: robots.txt of {place} (capture {uid}) forbids it to quotechain: 'Disallow: /closed' in line 2"
    assert detail == said
    assert (desks.outcome("/open"), desks.outcome("/closed")) == (["live"], ["blocked"])
    assert desks.outcome("/robots.txt") == ["live"]
    # The pages name the capture that decided, in their requests.
    given = desks.desk.table("SELECT json_extract(request, '$.given') FROM captures WHERE route = 'page' ORDER BY url")
    assert given == [(f'[["robots.capture","{uid}"]]',)] * 2
    # No failure of the run: a note.
    assert (report.failed, report.failures) == (False, [])
    assert any(note == f"1 page was not asked for: robots.txt of {place}" for note in report.notes), report.notes
    sound(desks.desk)


def test_what_a_person_named_is_asked_for_whatever_robots_txt_says(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /")
    desks.seeds.append(desks.site.url("/closed"))
    report = desks.run()
    assert desks.site.server.targets() == ["/closed"]
    assert (desks.outcome("/closed"), report.failed) == (["live"], False)


def test_it_can_be_switched_off(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /")
    desks.post("1", desks.site.url("/closed"))
    desks.run(follow="robots = false")
    assert desks.site.server.targets() == ["/closed"]
    assert desks.outcome("/closed") == ["live"]


def test_the_file_is_asked_for_once_a_day_whatever_the_number_of_pages_and_runs(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", *(desks.site.url(f"/open?{n}") for n in range(9)))
    desks.run()
    desks.post("2", desks.site.url("/third"))
    desks.ahead = timedelta(hours=23)
    desks.run()
    assert desks.outcome("/third") == ["live"]
    assert desks.site.server.targets().count("/robots.txt") == 1
    desks.post("3", desks.site.url("/closed?3"))
    desks.ahead = timedelta(hours=25)
    desks.run()
    assert desks.site.server.targets().count("/robots.txt") == 2


def test_a_forbidden_page_is_looked_at_again_rarely_for_rules_change(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", desks.site.url("/closed"))
    desks.run()
    ref = f"web:page:{desks.site.url('/closed')}"
    due = desks.desk.value("SELECT due_at FROM work_queue WHERE ref = ?", ref)
    assert datetime.fromisoformat(due) - datetime.now(UTC) > timedelta(days=10)
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Allow: /")
    desks.ahead = timedelta(days=5)
    desks.run()
    assert desks.outcome("/closed") == ["blocked"]
    desks.ahead = timedelta(days=30)
    desks.run()
    assert desks.outcome("/closed") == ["blocked", "live"]


@pytest.mark.parametrize("status", ["404 Not Found", "401 Unauthorized"])
def test_a_host_without_the_file_has_no_rules(desks: Desks, status: str) -> None:
    desks.site.pages["/robots.txt"] = message(b"User-agent: *\nDisallow: /\n", TEXT, status=status)
    desks.post("1", desks.site.url("/closed"))
    report = desks.run()
    assert (desks.outcome("/closed"), report.failed) == (["live"], False)


@pytest.mark.parametrize(
    "reply",
    [
        message(b"", status="503 Service Unavailable"),
        message(b"", "Retry-After: 600", status="429 Too Many Requests"),
        pytest.param(
            Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nUser-agent: *\n", "close"), marks=pytest.mark.heavy
        ),
        message(b"\x1f\x8b no gzip", "Content-Encoding: gzip"),
        message(b"", status="304 Not Modified"),
    ],
    ids=["503", "429", "cut", "undecodable", "304"],
)
def test_a_file_that_cannot_be_had_makes_its_pages_wait(desks: Desks, reply: Reply) -> None:
    desks.site.pages["/robots.txt"] = reply
    desks.post("1", desks.site.url("/open"), desks.site.url("/third"))
    report = desks.run()
    assert set(desks.site.server.targets()) == {"/robots.txt"}
    assert (desks.of("/open"), desks.outcome("/open")) == ([], [])
    assert report.failed
    assert report.outcomes["postponed"] == 2
    told = [line for line in report.failures if "robots.txt of " in line]
    assert len(told) == 2, report.failures
    # Soon again; and once it is there, the pages are asked for.
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /third")
    desks.ahead = timedelta(hours=3)
    desks.run()
    assert (desks.outcome("/open"), desks.outcome("/third")) == (["live"], ["blocked"])


def test_rules_that_were_read_before_stand_in_for_a_file_that_cannot_be_had(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", desks.site.url("/open"))
    desks.run()
    (first, *_) = desks.desk.table(RULES)
    desks.site.pages["/robots.txt"] = BROKEN
    desks.post("2", desks.site.url("/third"), desks.site.url("/closed"))
    desks.ahead = timedelta(days=2)
    desks.run()
    assert (desks.outcome("/third"), desks.outcome("/closed")) == (["live"], ["blocked"])
    assert str(first[0]) in str(desks.of("/closed")[0][2])


def test_a_file_that_is_missing_for_a_month_counts_as_none(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = BROKEN
    desks.post("1", desks.site.url("/open"))
    desks.run()
    assert desks.outcome("/open") == []
    desks.ahead = timedelta(days=29)
    desks.run()
    assert desks.outcome("/open") == []
    desks.ahead = timedelta(days=31)
    desks.run()
    assert desks.outcome("/open") == ["live"]


def test_redirects_of_the_file_are_followed_to_another_host(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = moved(desks.other.url("/rules"))
    desks.other.pages["/rules"] = rules("User-agent: quotechain", "Disallow: /closed")
    desks.post("1", desks.site.url("/open"), desks.site.url("/closed"))
    desks.run()
    assert (desks.outcome("/open"), desks.outcome("/closed")) == (["live"], ["blocked"])


def test_a_circle_of_redirects_is_no_file(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = moved(desks.site.url("/robots.txt?1"))
    desks.site.pages["/robots.txt?1"] = moved(desks.site.url("/robots.txt"))
    desks.post("1", desks.site.url("/open"))
    desks.run()
    assert desks.outcome("/open") == ["live"]


def test_a_redirect_leads_only_where_the_rules_there_let_it(desks: Desks) -> None:
    desks.site.pages |= {"/short/1": moved(desks.other.url("/open")), "/short/2": moved(desks.other.url("/closed"))}
    desks.site.pages["/self"] = moved(desks.site.url("/closed"))
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.other.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", *map(desks.site.url, ("/short/1", "/short/2", "/self")))
    report = desks.run()
    assert sorted(set(desks.other.server.targets())) == ["/open", "/robots.txt"]
    assert "/closed" not in desks.site.server.targets()
    assert desks.outcome("/short/1")[-1] == "live"
    assert (desks.outcome("/short/2")[-1], desks.outcome("/self")) == ("blocked", ["blocked"])
    assert not report.failed, report.failures
    assert desks.other.server.targets().count("/robots.txt") == 1
    sound(desks.desk)


def test_a_delay_that_a_host_wants_is_its_pace(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Crawl-delay: 0.4")
    desks.post("1", *(desks.site.url(f"/open?{n}") for n in range(4)))
    desks.run()
    times = [asked.at for asked in desks.site.server.log if asked.target != "/robots.txt"]
    assert len(times) == 4
    assert all(later - before >= 0.2 for before, later in pairwise(times))


def test_an_erased_file_is_not_believed(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", desks.site.url("/open"))
    desks.run()
    where = f"web:page:{desks.site.url('/robots.txt')}"
    ended = desks.desk.call("erase", where, "--reason", "asked for", "--yes")
    assert ended.code == 0, ended.err + ended.out
    desks.post("2", desks.site.url("/third"))
    desks.run()
    assert desks.site.server.targets().count("/robots.txt") == 2
    assert desks.outcome("/third") == ["live"]


def test_readings_are_made_again_and_the_archive_verifies(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.site.pages["/short"] = moved(desks.other.url("/closed"))
    desks.other.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", *map(desks.site.url, ("/open", "/closed", "/short")))
    desks.run()
    rebuilt = desks.desk.call("rebuild", "--check")
    assert rebuilt.code == 0, rebuilt.out
    verified = CliRunner().invoke(main, ["verify", str(desks.desk.db)])
    assert verified.exit_code == 0, verified.output


def test_redirects_from_host_to_host_end(desks: Desks) -> None:
    """A chain of more hosts than one page may make us ask for their rules: told, not followed for ever."""
    sites = [Site() for _ in range(8)]
    try:
        for at, site in enumerate(sites):
            site.pages["/go"] = moved(sites[at + 1].url("/go")) if at < 7 else page("end")
            site.pages["/robots.txt"] = rules("User-agent: *", "Allow: /")
        desks.more = tuple(site.server for site in sites)
        desks.post("1", sites[0].url("/go"), sites[5].url("/go"))
        desks.run()
        assert desks.outcome("/go", sites[5])[-1] == "live"
        assert "live" not in desks.outcome("/go", sites[0])
        assert sum(len(site.server.log) for site in sites) < 60
    finally:
        for site in sites:
            site.server.close()


def test_rules_that_were_known_before_a_redirect_led_to_them_let_it_pass(desks: Desks) -> None:
    """Known from an earlier run, or learned while the redirect was under way: either way the page is asked for."""
    desks.site.pages["/short"] = moved(desks.other.url("/open"))
    desks.other.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", desks.other.url("/third"))
    desks.run()
    desks.post("2", desks.site.url("/short"))
    desks.run()
    assert desks.outcome("/short")[-1] == "live"
    assert desks.other.server.targets() == ["/robots.txt", "/third", "/open"]


def test_rules_of_a_host_that_is_switched_off_are_not_asked_for(desks: Desks) -> None:
    desks.site.pages |= {f"/short/{n}": moved(desks.other.url("/open")) for n in range(3)}
    desks.post("1", *(desks.site.url(f"/short/{n}") for n in range(3)))
    desks.hosts = f'[hosts."{desks.other.server.place}"]\noff = true'
    assert all("switched off in [hosts]" in failure for failure in desks.run().failures)
    assert (desks.other.server.targets(), set(desks.outcome("/short/1"))) == ([], {"blocked"})
    asked, desks.ahead = len(desks.site.server.log), timedelta(days=1)
    assert not desks.run().failed
    assert len(desks.site.server.log) == asked, "who leads there is not asked day by day"
    desks.hosts = ""
    desks.run()
    assert desks.outcome("/short/1")[-1] == "live"
    sound(desks.desk)


def test_a_clock_that_went_back_asks_again_and_loses_nothing(desks: Desks) -> None:
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow: /closed")
    desks.post("1", desks.site.url("/open"))
    desks.ahead = timedelta(days=400)
    desks.run()
    desks.ahead = timedelta()
    desks.post("2", desks.site.url("/third"))
    desks.run()
    assert desks.outcome("/third") == ["live"]
    assert desks.site.server.targets().count("/robots.txt") == 2


@pytest.mark.parametrize(
    "location", ["https://[bad/", "https://h:99999999/", "mailto:desk@news.example", "https://a b/"]
)
def test_a_redirect_to_what_is_no_address_ends_no_run(desks: Desks, location: str) -> None:
    """No robots.txt stands at such a place: the page is blocked, and the run goes on."""
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow:")
    desks.site.pages["/open"] = message(b"", f"Location: {location}", status="302 Found")
    desks.post("1", desks.site.url("/open"), desks.site.url("/third"))
    desks.run()
    assert (desks.outcome("/open")[-1], desks.outcome("/third")) == ("blocked", ["live"])
    assert desks.site.server.targets().count("/open") == 1
    assert len(desks.desk.table(RULES)) == 1
    sound(desks.desk)


def test_a_redirect_to_a_host_whose_file_cannot_be_had_waits_as_its_own_pages_do(desks: Desks) -> None:
    desks.site.pages["/short"] = moved(desks.other.url("/open"))
    desks.other.pages["/robots.txt"] = BROKEN
    desks.post("1", desks.other.url("/third"))
    desks.run()
    desks.post("2", desks.site.url("/short"))
    assert "not asked: robots.txt" in " ".join(desks.run().failures)
    desks.other.pages["/robots.txt"] = rules("User-agent: *", "Allow: /")
    desks.ahead = timedelta(hours=2)
    desks.run()
    assert desks.outcome("/short")[-1] == "live", "it is not forbidden: nobody knew"


def test_a_post_of_very_many_links_leads_to_a_bounded_number(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server says how many links a post has: fifty thousand to somebody's host would be asked for by us, again and
    again. What it quotes is followed before what it merely links to."""
    monkeypatch.setattr(follow, "MOST", 3)
    desks.site.pages["/robots.txt"] = rules("User-agent: *", "Disallow:")
    for n in range(6):
        desks.site.pages[f"/p{n}"] = page(f"p{n}", "words")
    desks.post("1", *(desks.site.url(f"/p{n}") for n in range(6)))
    report = desks.run()
    assert sorted(desks.site.server.targets()) == ["/p0", "/p1", "/p2", "/robots.txt"]
    assert any("links to 3 more than the" in note for note in report.notes), report.notes
    report = desks.run(recheck=True)
    assert set(desks.site.server.targets()) == {"/p0", "/p1", "/p2", "/robots.txt"}, "nor by and by"
