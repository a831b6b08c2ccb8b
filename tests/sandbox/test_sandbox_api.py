"""The API's operations, seen by a client; every reply is checked against the connector's schemas."""

import base64
from datetime import date

import httpx
import pytest
from calendly_connector.sandbox.server import Sandbox
from calendly_connector.sandbox.world import fixtures

PUBLIC = "https://api.calendly.com"
ORGANIZATION = f"{PUBLIC}/organizations/{fixtures.ORGANIZATION}"
OWNER = f"{PUBLIC}/users/{fixtures.OWNER}"
ADMIN = f"{PUBLIC}/users/{fixtures.ADMIN}"
GROUP = f"{PUBLIC}/groups/{fixtures.GROUP}"
ANCHOR = date(2026, 11, 17)


class Clock:
    """Unix seconds that advance only on demand."""

    def __init__(self):
        self.now = 1_795_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(anchor=ANCHOR, public_origin=True, rate_limit=0, check_replies=True) as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox):
    with httpx.Client(base_url=sandbox.url, trust_env=False) as opened:
        yield opened


@pytest.fixture
def get(client):
    def call(path, caller="sandbox-owner", **query):
        return client.get(path, params=query, headers={"Authorization": f"Bearer {caller}"})

    return call


def pages(get, path, **query):
    answer = get(path, **query).json()
    while True:
        yield answer
        token = answer["pagination"]["next_page_token"]
        if token is None:
            return
        answer = get(path, **query, page_token=token).json()


def member(sandbox, place):
    return sandbox.world.population.members[place]


# Tokens and access


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic sandbox-owner", "sandbox-owner"]
)
def test_requests_without_a_valid_token_get_401(client, header):
    reply = client.get("/users/me", headers={"Authorization": header} if header is not None else {})
    assert reply.status_code == 401
    assert reply.json() == {"title": "Unauthenticated", "message": "The access token is invalid"}
    assert "x-ratelimit-limit" not in reply.headers


def test_replies_have_the_headers_that_calendly_sends(get):
    reply = get("/users/me")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert len(reply.headers["x-request-id"]) == 36
    assert "date" in reply.headers
    assert "server" not in reply.headers
    assert "x-ratelimit-limit" not in reply.headers  # rate limits are off here


def test_me_is_the_user_of_the_token(get):
    assert get("/users/me").json()["resource"]["name"] == "Ada Okafor"
    assert get("/users/me", "sandbox-admin").json() == get(f"/users/{fixtures.ADMIN}").json()
    free = get("/users/me", "sandbox-free").json()["resource"]
    assert free["current_organization"] != ORGANIZATION


def test_users_of_other_organizations_cannot_be_read(get):
    reply = get(f"/users/{fixtures.OWNER}", "sandbox-free")
    assert (reply.status_code, reply.json()["message"]) == (403, "This user is not in your organization")
    assert get("/users/nobody").status_code == 404


@pytest.mark.parametrize(
    ("token", "path", "scope"),
    [
        ("sandbox-no-scopes", "/users/me", "users:read"),
        ("sandbox-events-only", "/event_types", "event_types:read"),
        ("sandbox-users-only", "/scheduled_events", "scheduled_events:read"),
        ("sandbox-users-only", "/webhook_subscriptions", "webhooks:read"),
    ],
)
def test_the_error_names_the_missing_scope(get, token, path, scope):
    reply = get(path, token)
    assert reply.status_code == 403
    assert reply.json() == {
        "title": "Insufficient scope",
        "message": "This operation requires the scopes listed in the 'required_scopes' array.",
        "required_scopes": [scope],
    }


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/users", "/users//", "/v2/users/me", "/scheduled_events//invitees"]
)
def test_unknown_paths_are_not_found(get, path):
    reply = get(path)
    assert reply.status_code == 404
    assert reply.json() == {
        "title": "Resource Not Found",
        "message": "The server could not find the requested resource.",
    }


def test_a_wrong_method_on_a_known_path_is_404_or_405_if_strict(client):
    reply = client.put("/users/me", headers={"Authorization": "Bearer sandbox-owner"})
    assert (reply.status_code, reply.json()["title"]) == (404, "Resource Not Found")


# Documented ids


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        (f"/organization_memberships/{fixtures.OWNER_MEMBERSHIP}", "role", "owner"),
        (f"/event_types/{fixtures.INTRO_CALL}", "name", "Intro call"),
        (f"/event_types/{fixtures.SALES_DEMO}", "pooling_type", "round_robin"),
        (f"/scheduled_events/{fixtures.ACTIVE_EVENT}", "status", "active"),
        (f"/scheduled_events/{fixtures.CANCELED_EVENT}", "status", "canceled"),
        (
            f"/scheduled_events/{fixtures.ACTIVE_EVENT}/invitees/{fixtures.ACTIVE_INVITEE}",
            "name",
            "Noor van Dijk",
        ),
        (f"/webhook_subscriptions/{fixtures.ACTIVE_WEBHOOK}", "state", "active"),
        (f"/webhook_subscriptions/{fixtures.DISABLED_WEBHOOK}", "state", "disabled"),
    ],
)
def test_the_ids_in_the_documentation_work(get, path, field, value):
    reply = get(path)
    assert reply.status_code == 200
    assert reply.json()["resource"][field] == value
    assert reply.json()["resource"]["uri"] == PUBLIC + path


@pytest.mark.parametrize(
    "path",
    [
        "/organization_memberships/nobody",
        "/event_types/none",
        "/scheduled_events/none",
        "/scheduled_events/none/invitees",
        f"/scheduled_events/{fixtures.ACTIVE_EVENT}/invitees/none",
        f"/scheduled_events/{fixtures.CANCELED_EVENT}/invitees/{fixtures.ACTIVE_INVITEE}",
        "/webhook_subscriptions/none",
    ],
)
def test_unknown_ids_are_not_found(get, path):
    assert get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        f"/organization_memberships/{fixtures.OWNER_MEMBERSHIP}",
        f"/event_types/{fixtures.INTRO_CALL}",
        f"/scheduled_events/{fixtures.ACTIVE_EVENT}",
        f"/webhook_subscriptions/{fixtures.ACTIVE_WEBHOOK}",
    ],
)
def test_other_organizations_cannot_see_records(get, path):
    reply = get(path, "sandbox-free")
    assert (reply.status_code, reply.json()["title"]) == (403, "Permission Denied")


def test_a_user_without_a_role_sees_only_their_own_records(get, sandbox):
    own = member(sandbox, 2)
    assert get(f"/organization_memberships/{own.membership_uuid}", "sandbox-member").status_code == 200
    assert get(f"/organization_memberships/{fixtures.OWNER_MEMBERSHIP}", "sandbox-member").status_code == 403
    rejected = get(f"/scheduled_events/{fixtures.ACTIVE_EVENT}", "sandbox-member")
    assert rejected.json()["message"] == "You are not allowed to view this event"
    listed = get("/scheduled_events", "sandbox-member", user=own.user["uri"]).json()["collection"]
    assert get(listed[0]["uri"].removeprefix(PUBLIC), "sandbox-member").status_code == 200
    assert get(f"/webhook_subscriptions/{fixtures.ACTIVE_WEBHOOK}", "sandbox-member").status_code == 403


# Lists


def test_listing_events_requires_a_user_group_or_organization(get):
    reply = get("/scheduled_events")
    assert reply.status_code == 400
    assert reply.json()["details"] == [{"message": "organization, user, or group is required"}]
    assert get("/event_types").json()["details"] == [{"message": "user or organization is required"}]
    assert get("/organization_memberships").status_code == 400


@pytest.mark.parametrize("path", ["/scheduled_events", "/event_types", "/organization_memberships"])
def test_only_owners_and_admins_list_the_organization(get, path):
    denied = "You do not have permission to access this resource."
    assert get(path, organization=ORGANIZATION).status_code == 200
    assert get(path, "sandbox-admin", organization=ORGANIZATION).status_code == 200
    for token in ("sandbox-member", "sandbox-free"):
        reply = get(path, token, organization=ORGANIZATION)
        assert (reply.status_code, reply.json()["message"]) == (403, denied)
    reply = get(path, organization=f"{PUBLIC}/organizations/unknown")
    assert (reply.status_code, reply.json()["message"]) == (403, denied)


def test_access_to_events_depends_on_role_and_organization(get, sandbox):
    own, other = member(sandbox, 2).user["uri"], member(sandbox, 3).user["uri"]
    other_user = member(sandbox, -1).user["uri"]
    also = "Please also specify organization when requesting events for a user within your organization."
    cases = [
        ("sandbox-owner", {"user": OWNER}, None),
        ("sandbox-owner", {"user": other}, also),
        ("sandbox-owner", {"user": other, "organization": ORGANIZATION}, None),
        ("sandbox-owner", {"user": other_user}, "This user is not in your organization"),
        ("sandbox-member", {"user": own}, None),
        ("sandbox-member", {"user": own, "organization": ORGANIZATION}, None),
        ("sandbox-member", {"user": other}, "You do not have permission to access this resource."),
        ("sandbox-admin", {"group": GROUP, "organization": ORGANIZATION}, None),
        ("sandbox-member", {"group": GROUP}, "You do not have permission to access this resource."),
        (
            "sandbox-owner",
            {"group": f"{PUBLIC}/groups/x"},
            "You do not have permission to access this resource.",
        ),
    ]
    for token, query, message in cases:
        reply = get("/scheduled_events", token, **query)
        assert reply.status_code == (403 if message else 200), query
        assert reply.json().get("message") == message
    assert get("/scheduled_events", user=OWNER, group=GROUP).status_code == 400


def test_paging_forwards_and_backwards_returns_every_event_once(get):
    query = {"organization": ORGANIZATION, "count": "37", "sort": "start_time:desc"}
    forward = list(pages(get, "/scheduled_events", **query))
    rows = [event for page in forward for event in page["collection"]]
    assert len(rows) == len({row["uri"] for row in rows}) == 250
    starts = [row["start_time"] for row in rows]
    assert starts == sorted(starts, reverse=True)
    assert [page["pagination"]["count"] for page in forward] == [37] * 6 + [28]
    assert forward[0]["pagination"]["previous_page_token"] is None
    page = forward[-1]
    for expected in reversed(forward[:-1]):
        page = get("/scheduled_events", **query, page_token=page["pagination"]["previous_page_token"]).json()
        assert page == expected


def test_next_page_is_a_full_url_with_all_filters(get):
    answer = get("/scheduled_events", organization=ORGANIZATION, status="active", count="3").json()
    url = httpx.URL(answer["pagination"]["next_page"])
    assert str(url).startswith(f"{PUBLIC}/scheduled_events?")
    assert dict(url.params) == {
        "organization": ORGANIZATION,
        "status": "active",
        "count": "3",
        "page_token": answer["pagination"]["next_page_token"],
    }


def test_page_tokens_are_opaque_and_stable(get):
    answers = [get("/scheduled_events", organization=ORGANIZATION, count="5").content for _ in range(2)]
    assert answers[0] == answers[1]
    token = get("/scheduled_events", organization=ORGANIZATION, count="5").json()["pagination"][
        "next_page_token"
    ]
    assert len(token) == 32
    plain = base64.urlsafe_b64decode(token)
    assert b"start" not in plain
    assert len(plain) == 24


@pytest.mark.parametrize(
    "change",
    [
        {"count": "6"},
        {"status": "active"},
        {"caller": "sandbox-admin"},
        {"page_token": "x" * 32},
        {"page_token": ""},
    ],
)
def test_a_page_token_is_valid_for_its_own_query_only(get, change):
    query = {"organization": ORGANIZATION, "count": "5"}
    token = get("/scheduled_events", **query).json()["pagination"]["next_page_token"]
    assert get("/scheduled_events", **query, page_token=token).status_code == 200
    reply = get("/scheduled_events", **({**query, "page_token": token} | change))
    assert reply.status_code == 400
    assert reply.json() == {
        "title": "Invalid Argument",
        "message": "The supplied parameters are invalid.",
        "details": [{"parameter": "page_token", "message": "must be a valid token"}],
    }


def test_an_empty_list_is_one_empty_page(get):
    answer = get("/scheduled_events", organization=ORGANIZATION, invitee_email="nobody@none.example").json()
    nothing = dict.fromkeys(["next_page", "previous_page", "next_page_token", "previous_page_token"])
    assert answer == {"collection": [], "pagination": {"count": 0, **nothing}}


def test_events_are_filtered(get):
    window = {"min_start_time": "2026-11-18T00:00:00Z", "max_start_time": "2026-11-24T13:00:00.000000Z"}
    rows = get("/scheduled_events", organization=ORGANIZATION, count="100", **window).json()["collection"]
    assert all("2026-11-18" <= row["start_time"] < "2026-11-24T13:00:00.000000Z" for row in rows)
    assert any(row["uri"].endswith(fixtures.CANCELED_EVENT) for row in rows)
    canceled = get("/scheduled_events", organization=ORGANIZATION, status="canceled", count="100").json()
    assert {row["status"] for row in canceled["collection"]} == {"canceled"}
    mail = get("/scheduled_events", organization=ORGANIZATION, invitee_email="noor@client.example").json()
    assert {row["uri"].rpartition("/")[2] for row in mail["collection"]} == {
        fixtures.ACTIVE_EVENT,
        fixtures.CANCELED_EVENT,
    }


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/scheduled_events", {"count": "0"}, "count"),
        ("/scheduled_events", {"count": "101"}, "count"),
        ("/scheduled_events", {"count": "-1"}, "count"),
        ("/scheduled_events", {"count": "ten"}, "count"),
        ("/scheduled_events", {"count": "٣"}, "count"),
        ("/scheduled_events", {"count": ""}, "count"),
        ("/scheduled_events", {"count": "1000000000005"}, "count"),
        ("/scheduled_events", {"status": "cancelled"}, "status"),
        ("/scheduled_events", {"sort": "start_time"}, "sort"),
        ("/scheduled_events", {"sort": "updated_at:asc"}, "sort"),
        ("/scheduled_events", {"sort": "start_time:asc,start_time:desc"}, "sort"),
        ("/scheduled_events", {"min_start_time": "yesterday"}, "min_start_time"),
        ("/scheduled_events", {"max_start_time": "2026-11-17"}, "max_start_time"),
        ("/scheduled_events", {"invitee_email": "nobody"}, "invitee_email"),
        ("/scheduled_events", {"user": fixtures.OWNER}, "user"),
        ("/scheduled_events", {"user": f"{PUBLIC}/organizations/{fixtures.OWNER}"}, "user"),
        ("/scheduled_events", {"user": f"https://evil.example/users/{fixtures.OWNER}"}, "user"),
        ("/scheduled_events", {"user": f"{PUBLIC}/users/"}, "user"),
        ("/scheduled_events", {"user": f"{PUBLIC}/users/{fixtures.OWNER}?x=1"}, "user"),
        ("/event_types", {"active": "yes"}, "active"),
        ("/event_types", {"sort": "name:asc,color:desc"}, "sort"),
        ("/event_types", {"user_availability_schedule": f"{PUBLIC}/user_availability_schedules/x"},
         "user_availability_schedule"),
        ("/organization_memberships", {"role": "boss"}, "role"),
        ("/organization_memberships", {"email": "a@b"}, "email"),
        ("/webhook_subscriptions", {}, "scope"),
        ("/webhook_subscriptions", {"scope": "user"}, "user"),
        ("/webhook_subscriptions", {"scope": "group"}, "group"),
        ("/webhook_subscriptions", {"scope": "team"}, "scope"),
    ],
)  # fmt: skip
def test_invalid_parameters_are_named(get, path, query, parameter):
    reply = get(path, **{"organization": ORGANIZATION} | query)
    assert reply.status_code == 400
    assert reply.json()["title"] == "Invalid Argument"
    assert [detail["parameter"] for detail in reply.json()["details"]] == [parameter]


def test_one_error_names_all_invalid_parameters(get):
    details = get("/scheduled_events", count="0", status="x").json()["details"]
    assert {detail["parameter"] for detail in details} == {"count", "status"}


def test_unknown_parameters_are_ignored_and_uris_on_the_own_origin_are_accepted(get, sandbox):
    own = f"{sandbox.url}/organizations/{fixtures.ORGANIZATION}"
    assert get("/scheduled_events", organization=own, colour="red").status_code == 200


def test_event_types_are_filtered_and_sorted(get, sandbox):
    rows = get("/event_types", organization=ORGANIZATION).json()["collection"]
    names = [row["name"].casefold() for row in rows]
    assert names == sorted(names)
    rows = get("/event_types", organization=ORGANIZATION, sort="position:desc,name:asc").json()["collection"]
    order = [(-row["position"], row["name"]) for row in rows]
    assert order == sorted(order)
    inactive = get("/event_types", organization=ORGANIZATION, active="false").json()["collection"]
    assert [row["name"] for row in inactive] == ["Old survey"]
    managed = get("/event_types", organization=ORGANIZATION, admin_managed="true").json()["collection"]
    assert [row["name"] for row in managed] == ["Panel"]
    mine = get("/event_types", user=OWNER).json()["collection"]
    assert {row["name"] for row in mine} == {"Intro call", "Panel", "Sales demo"}
    schedule = f"{PUBLIC}/user_availability_schedules/{fixtures.OWNER_SCHEDULE}"
    mine = get("/event_types", user=OWNER, user_availability_schedule=schedule).json()["collection"]
    assert [row["name"] for row in mine] == ["Intro call"]
    assert get("/event_types", "sandbox-member", user=OWNER).status_code == 403
    assert get("/event_types", user=member(sandbox, 2).user["uri"]).status_code == 200


def test_memberships_are_filtered(get, sandbox):
    by = {"organization": ORGANIZATION}
    assert len(get("/organization_memberships", **by).json()["collection"]) == 8
    assert len(get("/organization_memberships", **by, role="admin").json()["collection"]) == 1
    found = get("/organization_memberships", **by, email="Ben@Acme.example").json()["collection"]
    assert [row["user"]["name"] for row in found] == ["Ben Iwu"]
    own = member(sandbox, 2).user["uri"]
    assert len(get("/organization_memberships", "sandbox-member", user=own).json()["collection"]) == 1
    assert get("/organization_memberships", "sandbox-member", user=OWNER).status_code == 403


def test_invitees_are_filtered_and_sorted(get, sandbox):
    world = sandbox.world
    number = next(n for n in range(world.generator.count) if len(world.invitees(n)) > 2)
    path = world.event(number)["uri"].removeprefix(PUBLIC) + "/invitees"
    rows = get(path, sort="created_at:desc").json()["collection"]
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert get(path, email=rows[0]["email"].upper()).json()["collection"] == [rows[0]]
    other = "canceled" if rows[0]["status"] == "active" else "active"
    assert get(path, status=other).json()["collection"] == []
    assert sum(len(page["collection"]) for page in pages(get, path, count="1")) == len(rows)
    for row in rows:
        assert get(row["uri"].removeprefix(PUBLIC)).json() == {"resource": row}


def test_every_event_type_and_event_matches_the_connectors_schemas(get):
    for path in ("/event_types", "/scheduled_events", "/organization_memberships"):
        for answer in pages(get, path, organization=ORGANIZATION, count="100"):
            assert "collection" in answer, answer


# Webhook subscriptions


@pytest.fixture
def post(client):
    def call(body, caller="sandbox-owner"):
        headers = {"Authorization": f"Bearer {caller}"}
        content = body if isinstance(body, bytes) else None
        return client.post(
            "/webhook_subscriptions", json=None if content else body, content=content, headers=headers
        )

    return call


HOOK = {
    "url": "https://hooks.acme.example/new",
    "events": ["invitee.created"],
    "organization": ORGANIZATION,
    "scope": "organization",
}


def test_a_subscription_is_created_read_and_deleted(client, get, post):
    created = post(HOOK | {"signing_key": "kept-secret"})
    assert created.status_code == 201
    record = created.json()["resource"]
    path = record["uri"].removeprefix(PUBLIC)
    assert "kept-secret" not in created.text
    assert get(path).json() == created.json()
    assert record["user"] is record["group"] is None
    duplicate = post(HOOK)
    assert duplicate.status_code == 409
    assert duplicate.json() == {"title": "Already Exists", "message": "Hook with this url already exists"}
    listed = get("/webhook_subscriptions", organization=ORGANIZATION, scope="organization").json()[
        "collection"
    ]
    assert record in listed
    headers = {"Authorization": "Bearer sandbox-owner"}
    gone = client.delete(path, headers=headers)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.delete(path, headers=headers).status_code == 404


@pytest.mark.parametrize("scope", ["user", "group"])
def test_subscriptions_of_a_user_or_group_have_its_uri(client, get, post, scope):
    owner = {"user": ADMIN, "group": GROUP}[scope]
    created = post(HOOK | {"url": f"http://127.0.0.1:9/{scope}", "scope": scope, scope: owner})
    assert created.status_code == 201
    assert created.json()["resource"][scope] == owner
    query = {"organization": ORGANIZATION, "scope": scope, scope: owner, "sort": "created_at:desc"}
    assert get("/webhook_subscriptions", **query).json()["collection"] == [created.json()["resource"]]
    path = created.json()["resource"]["uri"].removeprefix(PUBLIC)
    assert client.delete(path, headers={"Authorization": "Bearer sandbox-owner"}).status_code == 204


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"url": None}, {"url"}),
        ({"url": 5}, {"url"}),
        ({"url": "hooks"}, {"url"}),
        ({"url": "https://"}, {"url"}),
        ({"url": "https://[::1/x"}, {"url"}),
        ({"url": "ftp://hooks.acme.example"}, {"url"}),
        ({"url": "http://hooks.acme.example"}, {"url"}),
        ({"url": "http://127.0.0.1.hooks.example"}, {"url"}),
        ({"events": None}, {"events"}),
        ({"events": []}, {"events"}),
        ({"events": "invitee.created"}, {"events"}),
        ({"events": ["invitee.updated"]}, {"events"}),
        ({"events": [["invitee.created"]]}, {"events"}),
        ({"events": ["meeting_recap.created"]}, {"events"}),
        ({"events": ["routing_form_submission.created"], "scope": "user", "user": OWNER}, {"events"}),
        ({"scope": None}, {"scope"}),
        ({"scope": "team"}, {"scope"}),
        ({"scope": ["user"]}, {"scope"}),
        ({"scope": {}}, {"scope"}),
        ({"scope": "user"}, {"user"}),
        ({"scope": "group"}, {"group"}),
        ({"scope": "user", "user": f"https://evil.example/users/{fixtures.OWNER}"}, {"user"}),
        ({"organization": None}, {"organization"}),
        ({"organization": fixtures.ORGANIZATION}, {"organization"}),
        ({"signing_key": ""}, {"signing_key"}),
        ({"signing_key": 7}, {"signing_key"}),
        ({"url": None, "events": None, "scope": None}, {"url", "events", "scope"}),
    ],
)
def test_invalid_subscriptions_are_rejected(post, change, parameters):
    reply = post({key: value for key, value in (HOOK | change).items() if value is not None})
    assert reply.status_code == 400
    assert {detail["parameter"] for detail in reply.json()["details"]} == parameters


@pytest.mark.parametrize("body", [b"[]", b"{", b"1", b'"x"', b"\xff"])
def test_a_body_that_is_not_an_object_is_rejected(post, body):
    assert post(body).json()["details"] == [{"message": "the body must be a JSON object"}]


def test_subscribing_requires_the_read_scopes_of_the_events(sandbox, post):
    sandbox.control("POST", "/tokens", {"name": "hooks-only", "scopes": ["webhooks:write", "users:read"]})
    reply = post(HOOK, "hooks-only")
    assert reply.status_code == 400
    assert reply.json() == {"title": "Invalid Argument", "message": "The supplied parameters are invalid."}
    assert post(HOOK, "sandbox-events-only").json()["required_scopes"] == ["webhooks:write"]


def test_a_callback_url_is_unique_per_user_and_organization(post, sandbox):
    body = HOOK | {"url": "https://hooks.acme.example/shared"}
    own = {"scope": "user", "user": member(sandbox, 2).user["uri"]}
    assert post(body).status_code == 201
    assert post(body | {"scope": "user", "user": OWNER}).status_code == 409
    assert post(body, "sandbox-admin").status_code == 201
    assert post(body | own, "sandbox-member").status_code == 201
    small = sandbox.world.population.members[-1].user
    other = {"scope": "organization", "organization": small["current_organization"]}
    assert post(body | other, "sandbox-free").status_code == 201


def test_the_owners_plan_decides_which_events_can_be_subscribed_to(post, sandbox):
    body = HOOK | {"url": "https://hooks.acme.example/plan", "events": ["routing_form_submission.created"]}
    scopes = ["webhooks:write", "routing_forms:read"]
    sandbox.control("POST", "/tokens", {"name": "guest", "scopes": scopes, "user": ADMIN, "plan": "free"})
    assert post(body, "guest").status_code == 201
    small = sandbox.world.population.members[-1].user
    sandbox.control(
        "POST", "/tokens", {"name": "paying", "scopes": scopes, "user": small["uri"], "plan": "paid"}
    )
    rejected = post(body | {"organization": small["current_organization"]}, "paying")
    assert rejected.status_code == 403
    assert rejected.json()["message"] == "Please upgrade to a paid Calendly account."


def test_subscribing_without_access_to_the_scope_is_rejected(post, sandbox):
    own = member(sandbox, 2).user["uri"]
    assert post(HOOK, "sandbox-member").status_code == 403
    assert post(HOOK, "sandbox-free").status_code == 403
    assert post(HOOK | {"scope": "user", "user": OWNER}, "sandbox-member").status_code == 403
    assert post(HOOK | {"scope": "group", "group": GROUP}, "sandbox-member").status_code == 403
    created = post(HOOK | {"scope": "user", "user": own, "url": "https://own.example"}, "sandbox-member")
    assert created.status_code == 201


def test_some_webhook_events_require_a_paid_plan(post, sandbox):
    free = member(sandbox, -1).user
    base = {"organization": free["current_organization"], "scope": "user", "user": free["uri"]}
    gated = HOOK | base | {"events": ["meeting_recap.created"], "url": "https://free.example/a"}
    reply = post(gated, "sandbox-free")
    assert reply.status_code == 403
    assert reply.json()["message"] == "Please upgrade to a paid Calendly account."
    assert post(gated | {"events": ["contact.created"]}, "sandbox-free").status_code == 201


def test_the_free_organization_has_its_own_events(get, sandbox):
    free = member(sandbox, -1).user
    rows = get("/scheduled_events", "sandbox-free", organization=free["current_organization"]).json()
    assert rows["pagination"]["count"] == 3
    assert get("/event_types", "sandbox-free", user=free["uri"]).json()["pagination"]["count"] == 1


# Rate windows and expired page tokens, on a stopped clock


def test_the_rate_window_starts_with_the_first_request():
    clock = Clock()
    with Sandbox(clock=clock) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:

        def spend(caller="sandbox-free"):
            return client.get("/users/me", headers={"Authorization": f"Bearer {caller}"})

        first = spend()
        limit = {name: first.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")}
        assert limit == {"limit": "50", "remaining": "49", "reset": "60"}
        clock.now += 59.5
        last = [spend() for _ in range(49)][-1]
        assert last.status_code == 200
        assert (last.headers["x-ratelimit-remaining"], last.headers["x-ratelimit-reset"]) == ("0", "1")
        over = spend()
        assert over.status_code == 429
        assert set(over.json()) == {"title", "message"}
        assert over.headers["x-ratelimit-remaining"] == "0"
        assert "retry-after" not in over.headers
        assert spend("sandbox-owner").headers["x-ratelimit-limit"] == "500"
        clock.now += 0.5
        assert spend().headers["x-ratelimit-remaining"] == "49"
        missing = client.get("/nope", headers={"Authorization": "Bearer sandbox-free"})
        assert (missing.status_code, missing.headers["x-ratelimit-remaining"]) == (404, "48")


def test_page_tokens_expire():
    clock = Clock()
    with Sandbox(clock=clock, public_origin=True, rate_limit=0, page_token_life_s=60) as sandbox:
        headers = {"Authorization": "Bearer sandbox-owner"}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:

            def page(token=None):
                query = {"organization": ORGANIZATION} | ({"page_token": token} if token else {})
                return client.get("/scheduled_events", params=query)

            token = page().json()["pagination"]["next_page_token"]
            clock.now += 59
            assert page(token).status_code == 200
            assert page().json()["pagination"]["next_page_token"] == token  # and its lifetime restarts
            clock.now += 59
            assert page(token).status_code == 200
            clock.now += 1
            assert page(token).status_code == 400


def test_without_the_public_origin_uris_are_on_the_sandbox():
    with Sandbox() as sandbox:
        headers = {"Authorization": "Bearer sandbox-owner"}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:
            me = client.get("/users/me").json()["resource"]
            assert me["uri"] == f"{sandbox.url}/users/{fixtures.OWNER}"
            assert me["scheduling_url"] == "https://calendly.com/ada-okafor"
            public = client.get("/scheduled_events", params={"user": OWNER, "count": "1"}).json()
            own = client.get("/scheduled_events", params={"user": me["uri"], "count": "1"}).json()
            assert public["collection"] == own["collection"]
            assert own["pagination"]["next_page"].startswith(sandbox.url)


def test_cached_replies_are_identical_until_the_next_change():
    with (
        Sandbox(render_once=True, rate_limit=0, public_origin=True) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False) as client,
    ):

        def page(caller="sandbox-owner", **query):
            headers = {"Authorization": f"Bearer {caller}"}
            return client.get("/scheduled_events", params={"user": OWNER, **query}, headers=headers)

        first = page()
        assert page().content == first.content
        assert page("sandbox-member").status_code == 403
        token = first.json()["pagination"]["next_page_token"]
        assert page(page_token=token).status_code == 200
        sandbox.control("POST", "/page_tokens/expire")
        assert page(page_token=token).status_code == 400
        sandbox.book(start_time="2020-01-01T10:00:00Z")
        assert page().json()["collection"][0]["start_time"] == "2020-01-01T10:00:00.000000Z"
