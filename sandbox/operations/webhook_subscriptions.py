"""Webhook subscriptions: list, create, get, delete. There is no update. Also sample webhook data."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from .. import errors
from ..api import access
from ..api.calls import ApiCall, NoContent, PagedList, RawBody, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, choice, id_of, sort, uri
from ..errors import Body, detail
from ..loopback import is_loopback_url
from ..world import record_factories, times
from ..world.listings import sorted_listing
from ..world.state import WebhookSubscription
from ..world.webhooks import SCOPES, WEBHOOK_EVENTS

_OWNER_OF = {"user": "users", "group": "groups"}  # subscription scope -> collection of what it is about


def list_subscriptions(call: ApiCall) -> PagedList:
    """Give the subscriptions of one scope."""
    query, scope = call.query, call.query["scope"]
    if scope in _OWNER_OF and query[scope] is None:
        raise errors.invalid(detail(f"is required when scope is {scope}", scope))
    require_scope_access(call, scope, query["organization"], query.get(scope))
    # Ids are compared rather than URIs: the caller may have named them on either origin.
    wanted = {"scope": scope, "organization": query["organization"]}
    if scope in _OWNER_OF:
        wanted[scope] = query[scope]
    records = [
        subscription.record
        for subscription in call.world.subscriptions.values()
        if all(subscription.record[field].rpartition("/")[2] == value for field, value in wanted.items())
    ]
    return PagedList(sorted_listing(records, query["sort"] or [("created_at", False)]))


def require_scope_access(call: ApiCall, scope: str, organization: str, owner: str | None) -> None:
    """Refuse scopes that go further than the caller does."""
    access.require_own_organization(call.world, call.caller, organization)
    if scope == "organization":
        access.require_admin(call.caller)
    elif scope == "user":
        access.visible_member(call.world, call.caller, owner or "")
    else:
        access.require_group(call.world, call.caller, owner or "")


def create_subscription(call: ApiCall) -> SingleRecord:
    """Make a subscription; a user has one per callback URL in an organization."""
    body = call.body
    problems = [*_url_problems(body), *_events_problems(body), *_owner_problems(body, call.origins)]
    if problems:
        raise errors.invalid(*problems)
    chosen = [WEBHOOK_EVENTS[name] for name in body["events"]]
    if not all(call.caller.has_scope(event.needs) for event in chosen):
        raise errors.invalid()  # as seen in life: 400 without a word of scopes
    if any(event.paid for event in chosen):
        access.require_paid_owner(call.world, call.caller)
    scope = body["scope"]
    ids = {
        field: id_of(body[field], collection, call.origins)
        for field, collection in {"organization": "organizations", **_OWNER_OF}.items()
        if body.get(field) is not None
    }
    require_scope_access(call, scope, ids["organization"] or "", ids.get(scope))
    if _is_url_taken(call, body["url"]):
        raise errors.from_status(409)
    world = call.world
    owner = ids.get(scope) if scope in _OWNER_OF else None
    record = record_factories.subscription(
        world.uris.build("webhook_subscriptions", world.new_uuid("webhook_subscription")),
        created_at=times.isoformat(call.now),
        url=body["url"],
        events=body["events"],
        scope=scope,
        organization=call.caller.member.user["current_organization"],
        creator=call.caller.member.user["uri"],
        **({scope: world.uris.build(_OWNER_OF[scope], owner)} if owner else {}),
    )
    client = call.caller.client  # an app has one key, which Calendly made; users of a personal token give one
    key = client.webhook_key if client else body.get("signing_key")
    world.subscribe(WebhookSubscription(call.caller.member.organization, record, key))
    return SingleRecord(record, status=201)


def _is_url_taken(call: ApiCall, url: str) -> bool:
    """Whether the caller has a subscription with this URL; whose it is, is taken to be who made it."""
    member = call.caller.member
    return any(
        (one.record["callback_url"], one.record["creator"], one.organization)
        == (url, member.user["uri"], member.organization)
        for one in call.world.subscriptions.values()
    )


def _url_problems(body: Body) -> Iterator[Body]:
    url = body.get("url")
    if url is None:
        yield detail("is required", "url")
        return
    if not _is_url(url):
        yield detail("must be a valid URI", "url")
    elif urlsplit(url).scheme != "https" and not is_loopback_url(url):
        yield detail("must be an https URI", "url")


def _is_url(url: object) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return (
            parts is not None
            and parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:  # a port or an address that is none
        return False


def _events_problems(body: Body) -> Iterator[Body]:
    names, scope = body.get("events"), body.get("scope")
    if names is None or scope is None:
        yield from (detail("is required", field) for field in ("events", "scope") if body.get(field) is None)
        return
    if scope not in SCOPES:
        yield detail(f"must be one of {', '.join(SCOPES)}", "scope")
        return
    if not isinstance(names, list) or not names:
        yield detail("must be a non-empty array", "events")
        return
    for name in names:
        event = WEBHOOK_EVENTS.get(name) if isinstance(name, str) else None
        if event is None:
            yield detail(f"{name} is not a known event", "events")
        elif scope not in event.allowed:
            yield detail(f"{name} is not allowed for scope {scope}", "events")


def _owner_problems(body: Body, origins: frozenset[str]) -> Iterator[Body]:
    scope, key = body.get("scope"), body.get("signing_key")
    needed = [field for field in ("organization", *_OWNER_OF) if field in ("organization", scope)]
    for field, collection in {"organization": "organizations", **_OWNER_OF}.items():
        value = body.get(field)
        if value is None:
            if field in needed:
                yield detail("is required", field)
        elif not isinstance(value, str) or id_of(value, collection, origins) is None:
            yield detail(f"must be a valid URI of {collection}", field)
    if key is not None and (not isinstance(key, str) or not key):
        yield detail("must be a non-empty string", "signing_key")


def get_subscription(call: ApiCall) -> SingleRecord:
    """Give one subscription."""
    return SingleRecord(_subscription(call).record)


def delete_subscription(call: ApiCall) -> NoContent:
    """Take a subscription away."""
    _subscription(call)
    call.world.unsubscribe(call.ids["webhook_uuid"])
    return NoContent()


def _subscription(call: ApiCall) -> WebhookSubscription:
    """Give a subscription: the caller's own, or any of the organization for those who lead."""
    subscription = call.world.subscriptions.get(call.ids["webhook_uuid"])
    if subscription is None:
        raise errors.not_found()
    member = call.caller.member
    if subscription.organization != member.organization:
        raise errors.denied()
    if member.user["uri"] not in {subscription.record["creator"], subscription.record["user"]}:
        access.require_admin(call.caller)
    return subscription


# Sample data


def get_sample(call: ApiCall) -> RawBody:
    """Give a made-up message; it is about the fixtures, whoever asks."""
    query = call.query
    event, scope = query["event"], query["scope"]
    if scope != "organization" and query[scope] is None:
        raise errors.invalid(errors.detail(f"is required when scope is {scope}", scope))
    if scope not in WEBHOOK_EVENTS[event].allowed:
        raise errors.invalid(errors.detail(f"{event} is not allowed for scope {scope}", "event"))
    require_scope_access(call, scope, query["organization"], query.get(scope))
    return RawBody(
        {
            "created_at": times.isoformat(call.now),
            "created_by": call.caller.member.user["uri"],
            "event": event,
            "payload": call.world.sample_payloads[event],
        }
    )


ROUTES = (
    Route(
        "GET /webhook_subscriptions",
        "webhook_subscriptions.list",
        ("webhooks:read",),
        list_subscriptions,
        (
            Parameter("organization", uri("organizations"), required=True),
            Parameter("scope", choice(*SCOPES), required=True),
            Parameter("user", uri("users")),
            Parameter("group", uri("groups")),
            Parameter("sort", sort("created_at")),
            *PAGING,
        ),
    ),
    Route(
        "POST /webhook_subscriptions",
        "webhook_subscriptions.create",
        ("webhooks:write",),
        create_subscription,
    ),
    Route(
        "GET /webhook_subscriptions/{webhook_uuid}",
        "webhook_subscriptions.get",
        ("webhooks:read",),
        get_subscription,
    ),
    Route(
        "DELETE /webhook_subscriptions/{webhook_uuid}",
        "webhook_subscriptions.delete",
        ("webhooks:write",),
        delete_subscription,
    ),
    Route(
        "GET /sample_webhook_data",
        "sample_webhook_data.get",
        ("webhooks:read",),
        get_sample,
        (
            Parameter("event", choice(*WEBHOOK_EVENTS), required=True),
            Parameter("organization", uri("organizations"), required=True),
            Parameter("scope", choice(*SCOPES), required=True),
            Parameter("user", uri("users")),
            Parameter("group", uri("groups")),
        ),
    ),
)
