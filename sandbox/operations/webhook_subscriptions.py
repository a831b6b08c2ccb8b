"""Webhook subscriptions: list, create, get, delete. The API has no update. Also sample webhook data."""

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

_OWNER_OF = {"user": "users", "group": "groups"}  # subscription scope -> collection of its owner


def list_subscriptions(call: ApiCall) -> PagedList:
    """List the subscriptions of one scope."""
    query, scope = call.query, call.query["scope"]
    if scope in _OWNER_OF and query[scope] is None:
        raise errors.invalid(detail(f"is required when scope is {scope}", scope))
    require_scope_access(call, scope, query["organization"], query.get(scope))
    # Compare ids rather than URIs, because the caller may use either origin.
    filters = {"scope": scope, "organization": query["organization"]}
    if scope in _OWNER_OF:
        filters[scope] = query[scope]
    records = [
        subscription.record
        for subscription in call.world.subscriptions.values()
        if all(subscription.record[field].rpartition("/")[2] == value for field, value in filters.items())
    ]
    return PagedList(sorted_listing(records, query["sort"] or [("created_at", False)]))


def require_scope_access(call: ApiCall, scope: str, organization: str, owner: str | None) -> None:
    """Raise 403 unless the caller may access a subscription scope."""
    access.require_own_organization(call.world, call.caller, organization)
    if scope == "organization":
        access.require_admin(call.caller)
    elif scope == "user":
        access.visible_member(call.world, call.caller, owner or "")
    else:
        access.require_group(call.world, call.caller, owner or "")


def create_subscription(call: ApiCall) -> SingleRecord:
    """Create a subscription; a user can have one per callback URL in an organization."""
    body = call.body
    problems = [*_url_problems(body), *_events_problems(body), *_owner_problems(body, call.origins)]
    if problems:
        raise errors.invalid(*problems)
    rules = [WEBHOOK_EVENTS[name] for name in body["events"]]
    if not all(call.caller.has_scope(rule.read_scope) for rule in rules):
        raise errors.invalid()  # as observed in real use: a 400 that doesn't mention scopes
    if any(rule.paid for rule in rules):
        access.require_paid_owner(call.world, call.caller)
    scope = body["scope"]
    ids = {
        field: id_of(body[field], collection, call.origins)
        for field, collection in {"organization": "organizations", **_OWNER_OF}.items()
        if body.get(field) is not None
    }
    require_scope_access(call, scope, ids["organization"] or "", ids.get(scope))
    if _has_subscription_for(call, body["url"]):
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
    # An app has one key from Calendly; with a personal token, the body may have one.
    client = call.caller.client
    key = client.webhook_key if client else body.get("signing_key")
    world.subscribe(WebhookSubscription(call.caller.member.organization, record, key))
    return SingleRecord(record, status=201)


def _has_subscription_for(call: ApiCall, url: str) -> bool:
    """Check whether the caller has created a subscription with this URL."""
    member = call.caller.member
    return any(
        (other.record["callback_url"], other.record["creator"], other.organization)
        == (url, member.user["uri"], member.organization)
        for other in call.world.subscriptions.values()
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
    except ValueError:  # an invalid port or address
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
        rule = WEBHOOK_EVENTS.get(name) if isinstance(name, str) else None
        if rule is None:
            yield detail(f"{name} is not a known event", "events")
        elif scope not in rule.scopes:
            yield detail(f"{name} is not allowed for scope {scope}", "events")


def _owner_problems(body: Body, origins: frozenset[str]) -> Iterator[Body]:
    scope, key = body.get("scope"), body.get("signing_key")
    required = [field for field in ("organization", *_OWNER_OF) if field in ("organization", scope)]
    for field, collection in {"organization": "organizations", **_OWNER_OF}.items():
        value = body.get(field)
        if value is None:
            if field in required:
                yield detail("is required", field)
        elif not isinstance(value, str) or id_of(value, collection, origins) is None:
            yield detail(f"must be a valid URI of {collection}", field)
    if key is not None and (not isinstance(key, str) or not key):
        yield detail("must be a non-empty string", "signing_key")


def get_subscription(call: ApiCall) -> SingleRecord:
    """Get one subscription."""
    return SingleRecord(_subscription(call).record)


def delete_subscription(call: ApiCall) -> NoContent:
    """Delete a subscription."""
    _subscription(call)
    call.world.unsubscribe(call.ids["webhook_uuid"])
    return NoContent()


def _subscription(call: ApiCall) -> WebhookSubscription:
    """Return a subscription: the caller's own or, for owners and admins, any of the organization."""
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
    """Get a sample message about the fixtures."""
    query = call.query
    event, scope = query["event"], query["scope"]
    if scope != "organization" and query[scope] is None:
        raise errors.invalid(errors.detail(f"is required when scope is {scope}", scope))
    if scope not in WEBHOOK_EVENTS[event].scopes:
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
