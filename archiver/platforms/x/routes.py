"""`plan`: which route to ask next for a ref of X, given the answers so far."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from archiver.errors import ParseError
from archiver.model import Answer, EdgeKind, Post, Reading, Ref, Request, Settings
from archiver.platforms.outcomes import transport
from archiver.platforms.x.reader import guest_token, parse
from archiver.platforms.x.snowflake import token
from archiver.platforms.x.wayback import COLUMNS, Copy, best, index

SECRET = "X_BEARER_TOKEN"
GUEST_SECRET = "X_GUEST_BEARER"
MAX_HOPS = 5
"""Short links that lead to short links are followed so far."""

_V2_FIELDS = {
    "expansions": "attachments.media_keys,attachments.poll_ids,author_id,edit_history_tweet_ids,"
    "entities.mentions.username,geo.place_id,in_reply_to_user_id,referenced_tweets.id,referenced_tweets.id.author_id",
    "tweet.fields": "attachments,author_id,context_annotations,conversation_id,created_at,edit_controls,"
    "edit_history_tweet_ids,entities,geo,id,in_reply_to_user_id,lang,note_tweet,possibly_sensitive,public_metrics,"
    "referenced_tweets,reply_settings,source,text,withheld",
    "user.fields": "created_at,description,entities,id,location,name,pinned_tweet_id,profile_image_url,protected,"
    "public_metrics,url,username,verified,withheld",
    "media.fields": "alt_text,duration_ms,height,media_key,preview_image_url,public_metrics,type,url,variants,width",
    "poll.fields": "duration_minutes,end_datetime,id,options,voting_status",
    "place.fields": "contained_within,country,country_code,full_name,geo,id,name,place_type",
}


def plan(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    """The next requests for a ref; empty when nothing more is to be asked.

    A post: the official API (when the secret X_BEARER_TOKEN is configured), syndication, FxTwitter, the web's
    GraphQL with a guest token (when the option `x.graphql_query_id` and the secret X_GUEST_BEARER are), oEmbed, and
    the Wayback Machine (when the option `x.wayback` is `yes`), one after the other, each once, until one shows the
    post whole. A negative answer does not end the row: a second opinion is evidence.

    A short link: t.co, without following, up to five short links that lead to one another.

    An account or handle has no route: nothing is fetched about people but what their posts show.
    """
    if ref.kind == "post":
        return _post(ref, answers, settings)
    if ref.kind == "short":
        return _short(ref, answers, settings)
    return ()


def _read(answer: Answer) -> Reading | None:
    """What an answer says; None when it did not come whole or cannot be read."""
    if transport(answer) is not None:
        return None
    try:
        return parse(answer.request, answer)
    except ParseError:
        return None


def _shown(ref: Ref, readings: list[Reading]) -> list[Post]:
    """Sightings of the post asked for, or of the version or original that an answer gave in its place."""
    found: list[Post] = []
    for reading in readings:
        same = {ref} | {edge.target for edge in reading.edges if edge.kind is EdgeKind.REPOSTS and edge.source == ref}
        named = {alias.ref for alias in reading.aliases if alias.alias in same} | same
        named |= {alias.alias for alias in reading.aliases if alias.ref in named}
        found.extend(post for post in reading.posts if post.ref in named)
    return found


def _post(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    readings = [reading for reading in map(_read, answers) if reading is not None]
    shown = _shown(ref, readings)
    if any(post.whole and not post.truncated for post in shown):
        return ()
    asked = {answer.request.route for answer in answers}
    for route in _routes(settings):
        if route == "graphql":
            request = _graphql(ref, answers, asked, settings)
        elif route == "wayback":
            return _wayback(ref, answers, shown, settings)
        else:
            request = None if route in asked else _single(route, ref, settings)
        if request is not None:
            return (request,)
    return ()


def _routes(settings: Settings) -> list[str]:
    guest = "x.graphql_query_id" in settings.options and GUEST_SECRET in settings.secrets
    return [
        *(["v2"] if SECRET in settings.secrets else []),
        "syndication",
        "fxtwitter",
        *(["graphql"] if guest else []),
        "oembed",
        *(["wayback"] if settings.options.get("x.wayback") == "yes" else []),
    ]


def _single(route: str, ref: Ref, settings: Settings) -> Request:
    """The one request of a route that takes one."""
    if route == "v2":
        base = settings.endpoint("x.v2", "https://api.x.com")
        query = urlencode({"ids": ref.id, **_V2_FIELDS})
        authorization = (("Authorization", f"Bearer {{secret:{SECRET}}}"),)
        return Request(ref=ref, route=route, url=f"{base}/2/tweets?{query}", headers=authorization)
    if route == "syndication":
        base = settings.endpoint("x.syndication", "https://cdn.syndication.twimg.com")
        query = urlencode({"id": ref.id, "lang": "en", "token": token(ref.id)})
        return Request(ref=ref, route=route, url=f"{base}/tweet-result?{query}")
    if route == "fxtwitter":
        base = settings.endpoint("x.fxtwitter", "https://api.fxtwitter.com")
        return Request(ref=ref, route=route, url=f"{base}/2/status/{ref.id}")
    base = settings.endpoint("x.oembed", "https://publish.x.com/oembed")
    permalink = f"https://x.com/i/status/{ref.id}"
    query = urlencode({"url": permalink, "omit_script": "1", "dnt": "true", "lang": "en"})
    return Request(ref=ref, route="oembed", url=f"{base}?{query}")


_FEATURES = {
    "creator_subscriptions_tweet_preview_api_enabled": True,
    "freedom_of_speech_not_reach_fetch_enabled": True,
    "graphql_is_translatable_rweb_tweet_is_translatable_enabled": True,
    "longform_notetweets_consumption_enabled": True,
    "longform_notetweets_inline_media_enabled": True,
    "longform_notetweets_rich_text_read_enabled": True,
    "responsive_web_edit_tweet_api_enabled": True,
    "responsive_web_enhance_cards_enabled": False,
    "responsive_web_graphql_exclude_directive_enabled": True,
    "responsive_web_graphql_skip_user_profile_image_extensions_enabled": False,
    "responsive_web_graphql_timeline_navigation_enabled": True,
    "standardized_nudges_misinfo": True,
    "tweet_with_visibility_results_prefer_gql_limited_actions_policy_enabled": True,
    "view_counts_everywhere_api_enabled": True,
}


def _graphql(ref: Ref, answers: tuple[Answer, ...], asked: set[str], settings: Settings) -> Request | None:
    """A guest token first, then the post. The option `x.graphql_features` (JSON) replaces the feature switches."""
    bearer = ("Authorization", f"Bearer {{secret:{GUEST_SECRET}}}")
    if "guest" not in asked:
        base = settings.endpoint("x.guest", "https://api.x.com")
        return Request(ref=ref, route="guest", url=f"{base}/1.1/guest/activate.json", method="POST", headers=(bearer,))
    session = _guest(answers)
    if "graphql" in asked or not session:
        return None
    base = settings.endpoint("x.graphql", "https://api.x.com/graphql")
    variables = {"tweetId": ref.id, "includePromotedContent": False, "withCommunity": False, "withVoice": False}
    query = urlencode(
        {
            "variables": json.dumps(variables, separators=(",", ":")),
            "features": settings.options.get("x.graphql_features") or json.dumps(_FEATURES, separators=(",", ":")),
        }
    )
    name = quote(settings.options["x.graphql_query_id"], safe="")
    return Request(
        ref=ref,
        route="graphql",
        url=f"{base}/{name}/TweetResultByRestId?{query}",
        headers=(bearer, ("x-guest-token", session)),
        given=(("guest_token", session),),
    )


def _guest(answers: tuple[Answer, ...]) -> str:
    for answer in answers:
        if answer.request.route == "guest" and transport(answer) is None and answer.status == 200:
            try:
                return guest_token(answer.body)
            except ParseError:
                return ""
    return ""


def _wayback(ref: Ref, answers: tuple[Answer, ...], shown: list[Post], settings: Settings) -> tuple[Request, ...]:
    """The index for both spellings of the permalink, then one copy (JSON before HTML, the latest)."""
    base = settings.endpoint("x.wayback", "https://web.archive.org")
    done = [answer for answer in answers if answer.request.route == "wayback"]
    if not done:
        handle = next((post.handle for post in shown if post.handle), "i")
        return tuple(
            Request(
                ref=ref,
                route="wayback",
                url=f"{base}/cdx/search/cdx?" + urlencode(_cdx(f"https://{host}/{handle}/status/{ref.id}")),
                given=(("stage", "index"), ("spelling", host)),
            )
            for host in ("twitter.com", "x.com")
        )
    if any(dict(answer.request.given).get("stage") != "index" for answer in done):
        return ()
    lines: list[Copy] = []
    for answer in done:
        if transport(answer) is None and answer.status == 200:
            try:
                lines.extend(index(answer.body))
            except ParseError:
                continue
    copy = best(tuple(lines), ref)
    if copy is None:
        return ()
    return (
        Request(
            ref=ref,
            route="wayback",
            url=f"{base}/web/{copy.timestamp}id_/{copy.original}",
            given=(("stage", "copy"), ("timestamp", copy.timestamp), ("original", copy.original)),
        ),
    )


def _cdx(address: str) -> dict[str, str]:
    return {"url": address, "output": "json", "fl": ",".join(COLUMNS), "filter": "statuscode:200", "limit": "-50"}


def _short(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    base = settings.endpoint("x.tco", "https://t.co")
    seen, current = {ref}, ref
    for answer in answers:
        reading = _read(answer)
        if reading is None:
            return ()
        target = next((edge.target for edge in reading.edges if edge.kind is EdgeKind.RESOLVES_TO), None)
        if target is None or target.platform != "x" or target.kind != "short" or target in seen:
            return ()
        seen.add(target)
        current = target
    if len(answers) >= MAX_HOPS:
        return ()
    return (Request(ref=current, route="tco", url=f"{base}/{current.id}", follow=False),)
