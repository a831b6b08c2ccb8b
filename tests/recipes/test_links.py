"""Single-use links: their kinds, what is filled in, lost replies, renewals, and the run job's errors."""

import re
from datetime import datetime, timedelta

import pytest
from calendly_connector import cli
from calendly_connector.errors import (
    CalendlyDown,
    CalendlyError,
    ConnectorError,
    InvalidParams,
    NoAnswer,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    UsageError,
)
from calendly_connector.recipes import link_rows
from calendly_connector.sandbox.world import fixtures
from hostile import Hostile, reply
from sandbox_client import INTRO_CALL, PUBLIC, SALES_DEMO

JOB = "Calendly Create Scheduling Link"
PANEL = f"{PUBLIC}/event_types/70de3112-b5cb-40b3-b859-d034882f5613"
DISCUSS = "What would you like to discuss?"
PRODUCTS = "Which products do you use?"
SHARE = f"{PUBLIC}/shares/{fixtures.SHARE}"
DAY_S = 86_400


def problems(caught):
    return {problem.path: problem.message for problem in caught.value.problems}


def states(connection):
    return {row["uri"]: row["status"] for row in connection.run("links.list", all_pages=True).records}


def sent(sandbox, method, path):
    return [
        one
        for one in sandbox.requests()["requests"]
        if one["method"] == method and one["path"].startswith(path)
    ]


def book(sandbox, link):
    return sandbox.control("POST", "/bookings", {"link": link})


# The run job


@pytest.mark.parametrize(
    "event_type",
    [INTRO_CALL, fixtures.INTRO_CALL, "intro", "Intro call", " INTRO CALL "],
)
def test_the_job_accepts_a_uri_an_id_a_slug_and_a_name(event_type, fresh_sandbox, connect, timer):
    record = connect(fresh_sandbox).run(JOB, {"event_type_uri": event_type}).record
    assert record.keys() == {"success", "scheduling_link", "message"}
    assert (record["success"], record["message"]) == (True, "Scheduling link created successfully")
    link = record["scheduling_link"]
    assert list(link) == ["url", "expires_at", "max_event_count", "remaining_event_count"]
    assert re.fullmatch(r"https://calendly\.com/d/[\w-]+/intro", link["url"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", link["expires_at"])
    expires = datetime.fromisoformat(link["expires_at"]).timestamp()
    assert expires == timer.now + 90 * DAY_S
    assert (link["max_event_count"], link["remaining_event_count"]) == (1, 1)


@pytest.mark.parametrize("missing", [{}, {"event_type_uri": ""}, {"event_type_uri": None}])
def test_missing_event_type_uri(missing, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(JOB, missing)
    assert problems(caught) == {"event_type_uri": "is missing"}


@pytest.mark.parametrize("count", [0, -1, 2, 100])
def test_invalid_max_event_count(count, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(JOB, {"event_type_uri": INTRO_CALL, "max_event_count": count})
    expected = "must be 1: a link books one meeting, and Calendly accepts no other number"
    assert problems(caught) == {"max_event_count": expected}


def test_missing_api_token(monkeypatch, capsys):
    monkeypatch.setenv("CALENDLY_API_URL", "http://127.0.0.1:9")
    assert cli.main(["run", JOB, f"event_type_uri={INTRO_CALL}"]) == 2
    error = capsys.readouterr().err
    assert "token" in error
    assert "CALENDLY_API_TOKEN" in error


def test_authentication_failed(sandbox, connect):
    with pytest.raises(Unauthenticated) as caught:
        connect(sandbox, token="expired").run(JOB, {"event_type_uri": INTRO_CALL})
    assert caught.value.message.startswith("Authentication failed: ")
    assert "doesn't accept the token" in caught.value.message
    assert caught.value.fix.startswith("Create a new token in Calendly")


def test_resource_not_found(sandbox, connect):
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound) as caught:
        connect(sandbox).run(JOB, {"event_type_uri": unknown})
    assert caught.value.message.startswith("Resource not found: ")
    assert "Check the id" in caught.value.fix
    assert "calendly-connector run event_types.list" in caught.value.fix


@pytest.mark.parametrize(
    ("token", "fix"),
    [("sandbox-no-scopes", "scheduling_links:write"), ("sandbox-users-only", "scheduling_links:write")],
)
def test_forbidden(token, fix, sandbox, connect):
    with pytest.raises(PermissionDenied) as caught:
        connect(sandbox, token=token).run(JOB, {"event_type_uri": INTRO_CALL})
    assert caught.value.message.startswith("Forbidden: ")
    assert fix in caught.value.fix


def test_forbidden_by_the_plan(connect):
    body = b'{"title":"Permission Denied","message":"Please upgrade to a paid Calendly account."}'
    with Hostile(reply(403, body)) as server, pytest.raises(PermissionDenied) as caught:
        connect(server).run(JOB, {"event_type_uri": INTRO_CALL})
    assert caught.value.message.startswith("Forbidden: ")
    assert caught.value.fix == "Use an account whose Calendly plan includes this."


# Create


def test_a_one_on_one_event_type_gets_a_share_with_everything_filled_in(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    inputs = {
        "event_type": "intro",
        "first_name": "Zoë",
        "last_name": "O'Neil & Søn",
        "email": "zoe+1@client.example",
        "date": "2026-12-01",
        "answers": {DISCUSS.upper(): "Größe? 100%", PRODUCTS: ["Billing", "core"]},
        "tracking": {"utm_source": "a b", "salesforce_uuid": "003"},
        "event_name": "Chat with Zoë",
        "duration": 15,
    }
    record = connection.run("links.create", inputs).record
    assert record["kind"] == "share"
    assert (record["created"], record["manageable"]) == (True, True)
    assert record["prefilled_url"] == record["url"] + (
        "?first_name=Zo%C3%AB&last_name=O%27Neil%20%26%20S%C3%B8n&email=zoe%2B1%40client.example"
        "&date=2026-12-01&month=2026-12&a1=Gr%C3%B6%C3%9Fe%3F%20100%25&a2=3%2C1"
        "&utm_source=a%20b&salesforce_uuid=003"
    )
    [row] = [row for row in connection.run("links.list").records if row["uri"] == record["uri"]]
    assert (row["status"], row["event_name"], row["duration"]) == ("active", "Chat with Zoë", 15)
    created, expires = (datetime.fromisoformat(row[name]) for name in ("created_at", "expires_at"))
    assert expires - created == timedelta(days=90)
    assert book(fresh_sandbox, record["url"])["event"]["name"] == "Chat with Zoë"
    assert states(connection)[record["uri"]] == "booked"


@pytest.mark.parametrize("event_type", [SALES_DEMO, PANEL])
def test_other_event_types_get_a_scheduling_link(event_type, fresh_sandbox, connect):
    record = connect(fresh_sandbox).run("links.create", {"event_type": event_type, "name": "Ada"}).record
    assert (record["kind"], record["uri"], record["manageable"]) == ("scheduling_link", None, False)
    assert record["prefilled_url"] == record["url"] + "?name=Ada"
    assert sent(fresh_sandbox, "POST", "/shares") == []


def test_all_problems_are_reported_before_anything_is_created(fresh_sandbox, connect):
    inputs = {
        "event_type": SALES_DEMO,
        "name": "Ada",
        "first_name": "Ada",
        "date": "2026-12-01",
        "month": "2027-01",
        "event_name": "Demo",
        "answers": {"What would you like to discus?": "x"},
    }
    with pytest.raises(InvalidParams) as caught:
        connect(fresh_sandbox).run("links.create", inputs)
    assert problems(caught).keys() == {
        "name",
        "month",
        "event_name",
        "answers.What would you like to discus?",
    }
    assert {problem.nearest for problem in caught.value.problems} == {None, DISCUSS}
    assert sent(fresh_sandbox, "POST", "") == []


def test_an_event_type_that_is_turned_off_gets_no_link(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    connection.run("event_types.update", {"uuid": INTRO_CALL, "active": False})
    with pytest.raises(InvalidParams, match="turned off"):
        connection.run("links.create", {"event_type": INTRO_CALL})


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"start_date": "2026-12-01"}, "end_date"),
        ({"known_links": ["x"]}, "created_since"),
        ({"tracking": {"utm_campain": "x"}}, "tracking.utm_campain"),
        ({"tracking": {"utm_source": "x" * 256}}, "tracking.utm_source"),
        ({"event_name": "x" * 56}, "event_name"),
        ({"month": "2026-13"}, "month"),
        ({"guests": ["a@client.example"] * 11}, "guests"),
    ],
)
def test_inputs_that_calendly_would_reject_are_rejected_without_a_request(inputs, path, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run("links.create", {"event_type": INTRO_CALL, **inputs})
    assert path in problems(caught)


def test_dates_in_the_wrong_order_are_rejected(fresh_sandbox, connect):
    dates = {"start_date": "2026-12-12", "end_date": "2026-12-01"}
    with pytest.raises(InvalidParams, match="must not be before start_date"):
        connect(fresh_sandbox).run("links.create", {"event_type": INTRO_CALL, **dates})


@pytest.mark.parametrize("action", ["links.create", "links.renew"])
def test_dates_and_days_ahead_exclude_each_other(action, fresh_sandbox, connect):
    inputs = {"start_date": "2026-12-01", "end_date": "2026-12-12", "max_booking_time": 3}
    subject = {"event_type": INTRO_CALL} if action == "links.create" else {"link": SHARE}
    with pytest.raises(InvalidParams) as caught:
        connect(fresh_sandbox).run(action, subject | inputs)
    assert problems(caught) == {"max_booking_time": "can't be combined with start_date and end_date"}


def test_a_link_may_be_booked_a_number_of_days_ahead(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    record = connection.run("links.create", {"event_type": INTRO_CALL, "max_booking_time": 3}).record
    [share] = [share for share in connection.run("shares.list").records if share["uri"] == record["uri"]]
    assert share["share_override"]["period_type"] == "moving"
    assert share["share_override"]["max_booking_time"] == 3


def test_a_very_long_address_is_pointed_out(fresh_sandbox, connect):
    answers = {DISCUSS: "x" * 3000}
    result = connect(fresh_sandbox).run("links.create", {"event_type": INTRO_CALL, "answers": answers})
    assert len(result.warnings) == 1
    assert "characters" in result.warnings[0]


# Lost replies


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_share_whose_reply_was_lost_is_found(kind, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault(kind, method="POST", path="/shares")
    result = connection.run("links.create", {"event_type": INTRO_CALL, "name": "Ada"})
    assert result.warnings == (
        "The reply to the request was lost; the link was found in the list of shares.",
    )
    assert states(connection)[result.record["uri"]] == "active"
    assert len(states(connection)) == 4


@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("after", range(3))
def test_a_reply_lost_at_any_call_of_a_creation_leaves_one_link(kind, after, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault(kind, after=after)
    record = connection.run("links.create", {"event_type": INTRO_CALL}).record
    assert list(states(connection).values()) == ["active", "active", "booked", "expired"]
    assert states(connection)[record["uri"]] == "active"


def test_a_lost_share_is_not_mistaken_for_one_with_other_settings(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    other = connection.run("links.create", {"event_type": INTRO_CALL, "event_name": "Other"}).record
    fresh_sandbox.fault("reset", method="POST", path="/shares")
    found = connection.run("links.create", {"event_type": INTRO_CALL, "event_name": "Mine"}).record
    assert found["uri"] != other["uri"]
    assert found["event_name"] == "Mine"


def test_several_links_that_fit_are_not_guessed_between(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    connection.run("links.create", {"event_type": INTRO_CALL})
    fresh_sandbox.fault("reset", method="POST", path="/shares")
    with pytest.raises(NoAnswer) as caught:
        connection.run("links.create", {"event_type": INTRO_CALL})
    assert caught.value.may_have_happened
    assert caught.value.fix.startswith("2 new links fit.")


def test_a_request_that_failed_before_it_was_carried_out_is_not_found(fresh_sandbox, connect):
    fresh_sandbox.fault("status", method="POST", path="/shares", status=502)
    with pytest.raises(CalendlyDown) as caught:
        connect(fresh_sandbox).run("links.create", {"event_type": INTRO_CALL})
    assert caught.value.may_have_happened
    assert "probably not created" in caught.value.fix


def test_the_first_error_is_reported_if_the_look_up_fails_as_well(fresh_sandbox, connect):
    fresh_sandbox.fault("reset", method="POST", path="/shares")
    fresh_sandbox.fault("status", method="GET", path="/shares", status=403)
    with pytest.raises(NoAnswer) as caught:
        connect(fresh_sandbox).run("links.create", {"event_type": INTRO_CALL})
    assert caught.value.may_have_happened
    assert "The look-up failed, too" in caught.value.fix


def test_a_lost_scheduling_link_says_that_nobody_has_it(fresh_sandbox, connect):
    fresh_sandbox.fault("reset", method="POST", path="/scheduling_links")
    with pytest.raises(NoAnswer) as caught:
        connect(fresh_sandbox).run("links.create", {"event_type": SALES_DEMO})
    assert "nobody has its address" in caught.value.fix


def test_created_since_finds_the_link_of_an_earlier_call_unless_it_is_known(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    since = {"event_type": INTRO_CALL, "created_since": "2026-11-18T11:06:00Z"}
    first = connection.run("links.create", since).record
    again = connection.run("links.create", since).record
    assert (first["created"], again["created"]) == (True, False)
    assert again["url"] == first["url"]
    for known in (first["uri"], first["url"], first["prefilled_url"], first["uri"].rpartition("/")[2]):
        other = connection.run("links.create", {**since, "known_links": [known]}).record
        assert other["url"] != first["url"]
        connection.run("links.revoke", {"link": other["url"]})


def test_created_since_does_not_choose_between_several(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    for _ in range(2):
        connection.run("links.create", {"event_type": INTRO_CALL})
    with pytest.raises(UsageError, match="2 links with these settings were created since"):
        connection.run("links.create", {"event_type": INTRO_CALL, "created_since": "2026-11-18T11:06:00Z"})
    assert len(states(connection)) == 5


def test_a_booked_link_is_not_handed_out_again(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    since = {"event_type": INTRO_CALL, "created_since": "2026-11-18T11:06:00Z"}
    first = connection.run("links.create", since).record
    book(fresh_sandbox, first["url"])
    assert connection.run("links.create", since).record["url"] != first["url"]


# List


def test_links_are_listed_with_who_they_are_for(fresh_sandbox, connect):
    rows = connect(fresh_sandbox).run("links.list", all_pages=True).records
    assert [(row["status"], row["contact_name"], row["contact_email"]) for row in rows] == [
        ("active", None, None),
        ("booked", "Noor van Dijk", "noor@client.example"),
        ("expired", None, None),
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "booked"}, ["booked"]),
        ({"event_type": "intro"}, ["active", "booked", "expired"]),
        ({"event_type": "sales demo"}, []),
        ({"created_since": "2026-11-16T00:00:00Z"}, ["active"]),
        ({"created_until": "2026-11-16T00:00:00Z", "status": "expired"}, ["expired"]),
    ],
)
def test_links_are_filtered(filters, expected, sandbox, connect):
    rows = connect(sandbox).run("links.list", filters, all_pages=True).records
    assert [row["status"] for row in rows] == expected


def test_a_contact_that_cannot_be_read_leaves_a_warning(faulty_sandbox, connect):
    faulty_sandbox.fault("status", path="/contacts", status=403)
    result = connect(faulty_sandbox).run("links.list", all_pages=True)
    assert len(result.records) == 3
    assert result.records[1]["contact_name"] is None
    assert [warning.partition(":")[0] for warning in result.warnings] == ["Contacts couldn't be read"]


# Revoke and renew


@pytest.mark.parametrize(
    "name",
    [
        SHARE,
        fixtures.SHARE,
        fixtures.SHARE_URL,
        f" {fixtures.SHARE_URL}?name=Ada&month=2026-12 ",
        fixtures.SHARE_URL + "/",
    ],
)
def test_a_link_is_revoked_by_address_or_id(name, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    record = connection.run("links.revoke", {"link": name}).record
    assert (record["uri"], record["status"], record["was"]) == (SHARE, "revoked", "active")
    assert SHARE not in states(connection)


@pytest.mark.parametrize("action", ["links.revoke", "links.renew"])
@pytest.mark.parametrize(
    ("link", "message"),
    [
        (fixtures.BOOKED_SHARE_URL, "is booked"),
        ("https://calendly.com/d/xxxx-xxx/intro", "isn't one of your links"),
        ("https://evil.example/s/x1y2-z3-a4b5", "isn't one of your links"),
        ("https://[bad", "isn't one of your links"),
        ("intro", "isn't one of your links"),
    ],
)
def test_a_booked_or_unknown_link_is_left_alone(action, link, message, fresh_sandbox, connect):
    with pytest.raises(UsageError, match=message):
        connect(fresh_sandbox).run(action, {"link": link})
    assert [one for one in fresh_sandbox.requests()["requests"] if one["method"] != "GET"] == []


def test_an_unbooked_link_is_renewed_with_its_settings_and_revoked(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    old = connection.run("shares.list").records[0]["share_override"]
    record = connection.run("links.renew", {"link": fixtures.SHARE_URL, "name": "Ada"}).record
    assert (record["replaces_uri"], record["was"], record["revoked"]) == (SHARE, "active", True)
    assert record["prefilled_url"] == record["url"] + "?name=Ada"
    shares = {share["uri"]: share for share in connection.run("shares.list").records}
    assert SHARE not in shares
    assert shares[record["uri"]]["share_override"] == old


def test_a_renewed_link_still_follows_the_event_type_in_what_it_had_in_common():
    hours = {"rules": [], "timezone": "Europe/Berlin"}
    place = {"kind": "physical", "location": "Torstr. 1"}
    event_type = {"name": "Intro call", "duration": 30, "duration_options": None, "locations": [place]}
    override = {
        "name": "Short",
        "duration": 15,
        "duration_options": None,
        "period_type": "unlimited",
        "availability_rule": hours,
        "location_configurations": [{**place, "position": 0}],
    }
    share = {"share_override": override}
    assert link_rows.renewed_settings(share, event_type, hours) == {"name": "Short", "duration": 15}
    other_hours = {**hours, "rules": [{"type": "wday", "wday": "monday", "intervals": []}]}
    assert link_rows.renewed_settings(share, {**event_type, "locations": None}, other_hours) == {
        "name": "Short",
        "duration": 15,
        "location_configurations": override["location_configurations"],
        "availability_rule": hours,
    }


def test_a_link_whose_dates_have_passed_needs_new_ones(make_sandbox, connect, timer):
    timer.now += 30 * DAY_S
    moved = datetime.fromtimestamp(timer.now).astimezone()
    with make_sandbox(now=moved) as sandbox:
        connection = connect(sandbox)
        with pytest.raises(InvalidParams, match="has passed: pass start_date and end_date"):
            connection.run("links.renew", {"link": fixtures.SHARE_URL})
        assert sent(sandbox, "POST", "/shares") == []
        dates = {"start_date": "2027-01-04", "end_date": "2027-01-08"}
        record = connection.run("links.renew", {"link": fixtures.SHARE_URL, **dates}).record
        [row] = [row for row in connection.run("links.list").records if row["uri"] == record["uri"]]
        assert (row["start_date"], row["end_date"]) == ("2027-01-04", "2027-01-08")


def test_an_expired_link_is_renewed_and_needs_no_revoking(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    record = connection.run("links.renew", {"link": fixtures.EXPIRED_SHARE_URL}).record
    assert (record["was"], record["revoked"], record["event_name"]) == (
        "expired",
        False,
        "Intro call for partners",
    )
    assert sent(fresh_sandbox, "DELETE", "/shares") == []


def test_a_link_that_is_booked_during_its_renewal_is_not_doubled(fresh_sandbox, connect, monkeypatch):
    connection = connect(fresh_sandbox)
    before = states(connection)
    from calendly_connector.recipes import links

    create = links._share

    def booked_meanwhile(*arguments):
        book(fresh_sandbox, fixtures.SHARE_URL)
        return create(*arguments)

    monkeypatch.setattr(links, "_share", booked_meanwhile)
    with pytest.raises(UsageError, match="booked in the meantime, so it wasn't renewed"):
        connection.run("links.renew", {"link": fixtures.SHARE_URL})
    assert states(connection) == {**before, SHARE: "booked"}


@pytest.mark.parametrize("status", [401, 409, 500])
def test_a_renewal_whose_old_link_stays_says_how_to_go_on(status, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault("status", method="DELETE", path="/shares", status=status, times=100)
    with pytest.raises(CalendlyError) as caught:
        connection.run("links.renew", {"link": fixtures.SHARE_URL})
    fresh_sandbox.control("DELETE", "/faults")
    assert re.match(
        r"The new link https://calendly\.com/s/\S+ was created, but the old one wasn't", caught.value.message
    )
    assert caught.value.fix.endswith(f"calendly-connector run links.revoke link={SHARE}")
    assert list(states(connection).values()) == ["active", "active", "booked", "expired"]


@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("after", range(5))
def test_a_reply_lost_at_any_call_of_a_renewal_leaves_one_link(kind, after, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault(kind, after=after)
    record = connection.run("links.renew", {"link": SHARE}).record
    active = [uri for uri, status in states(connection).items() if status == "active"]
    assert active == [record["uri"]]


@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("after", range(3))
def test_a_reply_lost_at_any_call_of_a_revocation_does_no_harm(kind, after, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault(kind, after=after)
    try:
        assert connection.run("links.revoke", {"link": SHARE}).record["status"] == "revoked"
    except ConnectorError as error:
        pytest.fail(str(error))
    assert SHARE not in states(connection)
