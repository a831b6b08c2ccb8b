"""The credential check: every outcome has its own report."""

import dataclasses
import json
import re
import socket
import time

import pytest
from calendly_connector.catalog import manifest
from calendly_connector.catalog.probes import probes
from calendly_connector.cli.check import lines
from calendly_connector.sandbox.world import fixtures
from calendly_connector.support.clock import Timeouts
from hostile import DATE, DATE_S, Hostile, one, page, reply, reset

ORGANIZATION = "https://api.calendly.com/organizations/a-b"
USER = {
    "uri": "https://api.calendly.com/users/c-d",
    "name": "Ada Okafor",
    "email": "ada@acme.example",
    "timezone": "Europe/Berlin",
    "current_organization": ORGANIZATION,
}
MEMBERSHIP = {"role": "owner", "organization": ORGANIZATION, "user": USER}
CATALOG = manifest.catalog()


def abilities(report):
    return {name: verdict.ability for name, verdict in report.actions.items()}


def states(report, state):
    return {scope for scope, known in report.scopes.items() if known == state}


# ok


def test_a_valid_token_is_reported_with_its_user_role_and_scopes(faulty_sandbox, connect):
    report = connect(faulty_sandbox).check()
    assert (report.outcome, report.ok, report.kind) == ("ok", True, "personal_access_token")
    assert report.message == f"Signed in as {fixtures.OWNER_NAME} ({fixtures.OWNER_EMAIL})."
    assert report.user == {
        "name": fixtures.OWNER_NAME,
        "email": fixtures.OWNER_EMAIL,
        "timezone": "Europe/Berlin",
        "uri": f"https://api.calendly.com/users/{fixtures.OWNER}",
    }
    assert report.organization == f"https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"
    assert report.role == "owner"
    assert report.fix == ""
    assert report.calls == 2 == len(faulty_sandbox.requests()["requests"])
    assert states(report, "granted") == {"users:read", "organizations:read"}
    assert states(report, "refused") == set()
    assert abilities(report)["users.me"] == "can"
    assert abilities(report)["organization_memberships.list"] == "can"
    assert abilities(report)["scheduled_events.list"] == "unknown"
    assert "not checked yet" in report.actions["scheduled_events.list"].reason
    assert report.actions.keys() == CATALOG.keys()


@pytest.mark.parametrize(
    ("token", "role"), [("sandbox-owner", "owner"), ("sandbox-admin", "admin"), ("sandbox-member", "user")]
)
def test_the_role_is_that_of_the_membership(token, role, sandbox, connect):
    assert connect(sandbox, token=token).check().role == role


def test_the_role_is_that_in_the_current_organization_and_not_in_another():
    elsewhere = {"role": "owner", "organization": "https://api.calendly.com/organizations/other"}
    membership = {"role": "user", "organization": ORGANIZATION}
    for memberships, role in (([elsewhere, membership], "user"), ([elsewhere], None), ([], None)):
        with Hostile(one(USER), page(memberships)) as server:
            assert checked(server).role == role


def test_the_rate_limit_is_reported(make_sandbox, connect):
    with make_sandbox(rate_limit=50) as sandbox:
        report = connect(sandbox).check()
    assert (report.rate_limit.limit, report.rate_limit.remaining) == (50, 48)
    assert 0 <= report.rate_limit.reset_s <= 60


@pytest.mark.parametrize(
    ("pasted", "note"),
    [
        ("  sandbox-owner\n", "spaces or quotes"),
        ('"sandbox-owner"', "spaces or quotes"),
        ("Bearer sandbox-owner", "header name"),
        ("Authorization: Bearer sandbox-owner", "header name"),
        ("sandbox-\n  owner", "line breaks"),
    ],
)
def test_a_token_pasted_with_extra_text_is_normalized_and_noted(pasted, note, sandbox, connect):
    report = connect(sandbox, token=pasted).check()
    assert report.ok
    assert note in " ".join(report.notes)


# Without the network


@pytest.mark.parametrize("token", ["", "  ", "\n", '""', "Bearer ", "Authorization: Bearer"])
def test_an_empty_token_is_reported_as_missing(token, unvisited, connect):
    report = connect(unvisited, token=token).check()
    assert report.outcome == "missing_token"
    assert report.fix.endswith("put it in the credential passed to connect().")
    assert report.calls == 0
    assert set(abilities(report).values()) == {"cannot"}


@pytest.mark.parametrize(
    "token", ["two words", "t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken", "a\x00b", "a\tb"]
)
def test_a_malformed_token_is_reported_and_never_sent(token, unvisited, connect):
    report = connect(unvisited, token=token).check()
    assert report.outcome == "malformed_token"
    assert report.fix
    assert report.calls == 0
    assert set(abilities(report).values()) == {"cannot"}


# Refused by Calendly


def test_an_unknown_token_is_invalid(faulty_sandbox, connect):
    report = connect(faulty_sandbox, token="not-a-token-of-anybody").check()
    assert report.outcome == "invalid_token"
    assert "Create a new token" in report.fix
    assert set(abilities(report).values()) == {"cannot"}
    assert report.calls == 1 == len(faulty_sandbox.requests()["requests"])


@pytest.mark.parametrize("token", ["sandbox-no-scopes", "sandbox-events-only"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_token_without_users_read_is_not_reported_as_invalid(token, deep, sandbox, connect):
    report = connect(sandbox, token=token).check(deep=deep)
    assert report.outcome == "missing_scope"
    assert not report.ok
    assert report.message.startswith("The token is valid but lacks the users:read scope")
    assert "users:read" in report.fix
    assert report.scopes["users:read"] == "refused"
    assert abilities(report)["users.me"] == "cannot"
    assert abilities(report)["scheduled_events.list"] == "unknown"
    assert report.user is None


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("You do not have permission to access this resource.", "owner or admin"),
        ("Please upgrade to a paid Calendly account.", "plan"),
        ("This user is not in your organization", "the token's own organization"),
    ],
)
def test_a_403_without_scopes_is_reported_as_forbidden(message, fix):
    with Hostile(reply(403, {"title": "Permission Denied", "message": message})) as server:
        report = checked(server)
    assert report.outcome == "forbidden"
    assert "The token is valid" in report.message
    assert fix in report.fix
    assert report.actions["users.me"].ability == "cannot"
    assert states(report, "refused") == set()


def test_a_429_reports_how_long_to_wait_and_does_not_wait(faulty_sandbox, connect, timer):
    faulty_sandbox.fault("status", status=429, headers={"Retry-After": "12"})
    report = connect(faulty_sandbox).check()
    assert (report.outcome, report.fix, report.calls) == ("rate_limited", "Try again in 12 s.", 1)
    assert timer.sleeps == []
    assert set(abilities(report).values()) == {"unknown"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_outage_is_reported_as_calendly_down(status, faulty_sandbox, connect, timer):
    faulty_sandbox.fault("html", status=status)
    report = connect(faulty_sandbox).check()
    assert (report.outcome, report.calls) == ("calendly_down", 1)
    assert str(status) in report.message
    assert timer.sleeps == []
    assert set(abilities(report).values()) == {"unknown"}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(reply(200, b"<html>Sign in to the guest network</html>"), id="HTML"),
        pytest.param(reply(200, b""), id="nothing"),
        pytest.param(reply(204), id="no content"),
        pytest.param(reply(200, {"collection": []}), id="JSON without resource"),
        pytest.param(reply(200, {"resource": None}), id="no record"),
        pytest.param(reply(200, ["resource"]), id="a list"),
        pytest.param(one({}), id="nobody"),
        pytest.param(one({**USER, "uri": None}), id="somebody without a URI"),
        pytest.param(reply(404, {"message": "not here"}), id="not found"),
        pytest.param(reply(400, {"message": "bad"}), id="rejected"),
        pytest.param(reply(418, b"teapot"), id="teapot"),
    ],
)
def test_a_reply_that_is_not_from_calendlys_api_is_unexpected(step):
    with Hostile(step) as server:
        report = checked(server)
    assert report.outcome == "unexpected"
    assert report.message
    assert report.fix
    assert report.calls == 1 == len(server.asked)
    assert set(abilities(report).values()) == {"unknown"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_unexpected_and_its_target_never_contacted(status, unvisited):
    with Hostile(reply(status, b"", {"Location": f"{unvisited.url}/users/me"})) as server:
        assert checked(server).outcome == "unexpected"
    assert len(server.asked) == 1


# No reply


def checked(server, *, timeouts=None, **options):
    """Check a token at a server, with a clock that agrees with its replies."""
    from calendly_connector.plugin import connector

    origin = server if isinstance(server, str) else server.url
    credential = {"kind": "personal_access_token", "token": "made-up-token"}
    with connector.connect(
        credential, origin=origin, timeouts=timeouts, clock=lambda: DATE_S + 0.5, sleep=pytest.fail
    ) as connection:
        return connection.check(**options)


def assert_offline(report, message):
    assert report.outcome == "offline"
    assert re.search(message, report.message)
    assert report.fix
    assert report.calls == 1
    assert set(abilities(report).values()) == {"unknown"}


def test_an_unknown_host_name_is_reported_as_dns(monkeypatch):
    def not_found(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    assert_offline(
        checked("https://calendly.invalid"), r"Could not resolve the host name calendly\.invalid \(DNS\)"
    )


def test_a_refused_connection_is_reported_as_refused(closed_port):
    assert_offline(checked(f"http://127.0.0.1:{closed_port}"), "refused the connection")


def test_an_untrusted_certificate_is_reported_as_tls():
    with Hostile(one(USER), tls=True) as server:
        assert_offline(checked(server), r"TLS certificate of 127\.0\.0\.1")
    assert server.asked == []  # the token was not sent


def test_a_server_without_tls_is_reported_as_tls():
    with Hostile(b"HTTP/1.1 400 Bad Request\r\n\r\n", listens=False) as server:
        assert_offline(checked(f"https://127.0.0.1:{server.port}"), "TLS")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_an_unreachable_proxy_is_reported_as_proxy(name, monkeypatch, closed_port):
    monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    assert_offline(checked("https://api.made-up.example"), "proxy")


def test_a_refusing_proxy_is_reported_and_never_sees_the_token(monkeypatch):
    with Hostile(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert_offline(checked("https://api.made-up.example"), "proxy")
    [request] = proxy.asked
    assert request.method == "CONNECT"
    assert "authorization" not in request.headers


def test_a_server_that_never_replies_is_a_timeout():
    with Hostile(None) as server:
        assert_offline(checked(server, timeouts=Timeouts(read_s=0.3)), "no reply within")


def test_a_connection_that_is_not_accepted_is_a_timeout(monkeypatch):
    def never(*_, **__):
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", never)
    assert_offline(checked("http://127.0.0.1:1"), "Could not connect to 127.0.0.1:1 within 10 s")


def test_a_lost_connection_is_reported_as_offline():
    with Hostile(reset()) as server:
        assert_offline(checked(server), "the connection was lost")


def test_every_network_error_has_its_own_message(monkeypatch, closed_port):
    messages = {checked(f"http://127.0.0.1:{closed_port}").message}
    with Hostile(reset()) as server:
        messages.add(checked(server).message)
    with Hostile(one(USER), tls=True) as server:
        messages.add(checked(server).message)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")
    messages.add(checked("https://api.made-up.example").message)
    assert len(messages) == 4


# Scopes and abilities


def test_a_deep_check_tries_one_read_per_family(faulty_sandbox, connect):
    report = connect(faulty_sandbox).check(deep=True)
    reads = {scope for scope in report.scopes if scope.endswith(":read")}
    assert states(report, "granted") == reads
    writes = {scope for scope in report.scopes if scope.endswith(":write")}
    assert states(report, "untried") == writes
    assert report.calls == len(reads) == len(faulty_sandbox.requests()["requests"])
    assert len(reads) == len(probes())
    assert {call["method"] for call in faulty_sandbox.requests()["requests"]} == {"GET"}
    unknown = {name for name, ability in abilities(report).items() if ability == "unknown"}
    assert unknown == {action.id for action in CATALOG.values() if set(action.scopes) & writes}
    assert set(abilities(report).values()) == {"can", "unknown"}


def test_a_refused_read_rules_out_its_write(sandbox, connect):
    report = connect(sandbox, token="sandbox-users-only").check(deep=True)
    assert report.outcome == "ok"
    assert states(report, "granted") == {"users:read"}
    without_read = {scope for scope in report.scopes if scope.replace("write", "read") not in report.scopes}
    assert states(report, "untried") == without_read != set()
    expected = {("users:read",): "can"} | {(scope,): "unknown" for scope in without_read}
    assert abilities(report) == {
        action.id: expected.get(action.scopes, "cannot") for action in CATALOG.values()
    }
    assert "webhooks:write" in report.actions["webhook_subscriptions.create"].reason


def test_without_a_deep_check_a_write_stays_unknown_rather_than_guessed(sandbox, connect):
    report = connect(sandbox, token="sandbox-users-only").check()
    assert abilities(report)["webhook_subscriptions.create"] == "unknown"
    assert abilities(report)["organization_memberships.list"] == "cannot"
    assert report.role is None
    assert "the role is unknown" in report.notes[0]


def test_a_probe_refused_for_another_reason_rules_out_only_the_read():
    denied = reply(403, {"message": "You do not have permission to access this resource."})
    with Hostile(one(USER), page([MEMBERSHIP]), denied) as server:
        report = checked(server, deep=True)
    assert abilities(report)["webhook_subscriptions.list"] == "cannot"
    assert "permission" in report.actions["webhook_subscriptions.list"].reason
    assert abilities(report)["webhook_subscriptions.create"] == "unknown"


@pytest.mark.parametrize(
    "step", [reply(500), reply(429), reply(200, b"<html>"), reset(), reply(302, b"", {"Location": "/"})]
)
def test_a_probe_that_fails_leaves_its_scope_untried(step):
    with Hostile(one(USER), page([MEMBERSHIP]), step) as server:
        report = checked(server, deep=True)
    assert report.outcome == "ok"
    assert states(report, "granted") == {"users:read", "organizations:read"}
    assert states(report, "refused") == set()
    assert report.calls == len(server.asked)  # no call was repeated


@pytest.mark.parametrize(
    "memberships",
    [
        reply(500),
        reply(200, b"<html>"),
        reset(),
        reply(200, {"collection": [None]}),
        reply(200, {"collection": ["x"]}),
        reply(200, {"collection": {}}),
    ],
)
def test_an_error_while_reading_the_role_is_only_a_note(memberships):
    with Hostile(one(USER), memberships) as server:
        report = checked(server)
    assert report.outcome == "ok"
    assert report.role is None
    assert "the role is unknown" in report.notes[0]
    assert report.scopes["organizations:read"] == "untried"


def test_records_with_only_a_uri_are_reported():
    with Hostile(one({"uri": USER["uri"]}), page([{}])) as server:
        report = checked(server)
    assert report.outcome == "ok"
    assert report.organization is None
    assert lines(report)


@pytest.mark.parametrize(
    ("role", "ability"),
    [
        ("owner", "can"),
        ("admin", "can"),
        ("user", "cannot"),
        (None, "unknown"),
        ("emperor", "unknown"),
        ([], "unknown"),
    ],
)
def test_an_action_for_admins_is_ruled_out_for_other_roles(role, ability, monkeypatch):
    action = dataclasses.replace(CATALOG["users.get"], role="admin")
    monkeypatch.setattr(manifest, "catalog", lambda: {action.id: action})
    with Hostile(one(USER), page([] if role is None else [{**MEMBERSHIP, "role": role}])) as server:
        verdict = checked(server).actions[action.id]
    assert verdict.ability == ability
    assert ("needs the role admin" in verdict.reason) == (ability != "can")


# Clock


@pytest.mark.parametrize(
    ("ahead_s", "note_text"),
    [(0, None), (60, None), (-60, None), (61, "61 s ahead of"), (-3600, "3600 s behind")],
)
def test_a_wrong_clock_is_noted(ahead_s, note_text, connect):
    with Hostile(one(USER, Date=DATE), page([MEMBERSHIP], Date=DATE)) as server:
        report = connect(server, clock=lambda: DATE_S + 0.5 + ahead_s).check()
    assert report.clock_skew_s == ahead_s
    assert (note_text in report.notes[0]) if note_text else (report.notes == ())


def test_the_clock_is_compared_with_the_servers_own(make_sandbox, connect):
    with make_sandbox(now=None) as sandbox:
        assert abs(connect(sandbox, clock=time.time).check().clock_skew_s) < 5


def test_a_server_without_a_date_gives_no_skew():
    with Hostile(one(USER), page([MEMBERSHIP])) as server:
        assert checked(server).clock_skew_s is None


# Secrets


@pytest.mark.parametrize(
    "step",
    [
        reply(401, {"message": "no made-up-token here"}),
        reply(403, {"message": "made-up-token may not"}),
        reply(403, {"required_scopes": ["made-up-token"]}),
        reply(404, {"message": "Bearer made-up-token"}),
        reply(429, {"message": "made-up-token"}),
        reply(500, {"message": "made-up-token"}),
        reply(302, b"", {"Location": "/made-up-token"}),
        reset(),
        page([]),
        one(USER),
    ],
)
def test_no_report_contains_the_token(step):
    with Hostile(step) as server:
        report = checked(server, deep=True)
    shown = json.dumps(dataclasses.asdict(report)) + repr(report) + "\n".join(lines(report))
    assert "made-up-token" not in shown
