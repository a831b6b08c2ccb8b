"""Airflow as it runs: the form and the Test button in a browser, its REST API, scheduler and triggerer."""

import json
import shutil

import pytest
from chromium_person import Chromium
from installation import KEY, TOKEN

ENDS_WITHIN_S = 120


# The REST API


def tested(standalone, connection, **fields):
    return standalone.post(
        "/api/v2/connections/test", {"connection_id": connection, "conn_type": "calendly", **fields}
    )


def test_the_rest_api_tests_a_stored_connection(standalone):
    told = tested(standalone, "calendly_default", password="***")
    assert told["status"]
    assert told["message"].startswith("Signed in as ")


def test_the_rest_api_tests_one_that_is_not_stored(standalone, world):
    told = tested(standalone, "new", host=world.url, password="nobody")
    assert not told["status"]
    assert "Make a new token in Calendly" in told["message"]


def test_a_worker_tests_a_connection(standalone):
    queued = standalone.post(
        "/api/v2/connections/enqueue-test",
        {"connection_id": "calendly_default", "conn_type": "calendly", "password": "***"},
    )
    headers = {"Airflow-Connection-Test-Token": queued["token"]}

    def ended():
        told = standalone.get("/api/v2/connections/enqueue-test", **headers)
        return told["state"] in ("success", "failed") and told

    told = standalone.wait_for(ended, ENDS_WITHIN_S)
    assert told["state"] == "success", told
    assert told["result_message"].startswith("Signed in as ")


def test_the_rest_api_shows_no_secret(standalone):
    told = json.dumps(standalone.get("/api/v2/connections/calendly_default"))
    assert TOKEN not in told
    assert KEY not in told
    assert "secret_signing_key" in told


def test_the_form_is_ours(standalone):
    [form] = [
        kind for kind in standalone.get("/ui/connections/hook_meta") if kind["connection_type"] == "calendly"
    ]
    assert form["standard_fields"]["password"]["title"] == "Personal access token"
    assert form["standard_fields"]["login"]["hidden"]
    assert form["extra_fields"]["secret_signing_key"]["schema"]["format"] == "password"
    assert form["extra_fields"]["name"]["schema"]["title"] == "Stored credential"


# Scheduler, workers and triggerer


def given_on(standalone, dag, run, task, key):
    path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}?deserialize=true"
    return standalone.get(path)["value"]


def test_the_example_with_mapped_tasks_runs(standalone):
    run = standalone.run_dag("calendly_week")
    assert standalone.wait_for_run("calendly_week", run) == "success"
    assert given_on(standalone, "calendly_week", run, "names", "return_value")


def test_a_booking_wakes_a_task_that_waits_in_the_triggerer_and_comes_once(standalone, world):
    def waits():
        path = f"/api/v2/dags/waiting/dagRuns/{run}/taskInstances/booked"
        return standalone.get(path)["state"] == "deferred"

    told = []
    for _ in range(2):
        run = standalone.run_dag("waiting")
        standalone.wait_for(waits, ENDS_WITHIN_S)
        booked = world.book()["invitee"]["uri"]
        assert standalone.wait_for_run("waiting", run) == "success"
        events = given_on(standalone, "waiting", run, "booked", "return_value")
        assert [event["payload"]["uri"] for event in events] == [booked]
        told += [event["id"] for event in events]
    assert len(set(told)) == 2


# A person at the browser


@pytest.fixture
def page(tmp_path, standalone):
    assert shutil.which("chromium"), "Chromium is not installed: sh .ci/chromium"
    chromium = Chromium(tmp_path / "profile")
    chromium.open(f"{standalone.url}/connections")
    chromium.call(
        "Emulation.setDeviceMetricsOverride", width=1300, height=1300, deviceScaleFactor=1, mobile=False
    )
    yield Page(chromium)
    chromium.close()


class Page:
    """A page as a person uses it: by what is written on it."""

    def __init__(self, chromium):
        self._chromium = chromium

    def press(self, words, inside="body"):
        """Press the button that says or is called so."""
        self._chromium.wait_for(
            f"""(() => {{
                const inside = [...document.querySelectorAll({json.dumps(inside)})];
                const buttons = inside.flatMap(one => [...one.querySelectorAll("button")]);
                const named = b => b.innerText.trim() === {json.dumps(words)} || b.ariaLabel === {json.dumps(words)};
                const button = buttons.find(b => named(b) && !b.disabled);
                if (button) button.click();
                return button !== undefined;
            }})()"""
        )

    def fill(self, selector, text):
        """Write into a field."""
        self._chromium.wait_for(
            f"(() => {{ const f = document.querySelector({json.dumps(selector)}); if (f) f.focus(); "
            "return f !== null && document.activeElement === f })()"
        )
        self._chromium.call("Input.insertText", text=text)

    def enter(self):
        """Press the Enter key."""
        common = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self._chromium.call("Input.dispatchKeyEvent", type="keyDown", text="\r", **common)
        self._chromium.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def wait_for(self, words):
        """Wait until the page says so."""
        self._chromium.wait_for(f"document.body.innerText.includes({json.dumps(words)})")

    def picture(self, path):
        """Keep what is to be seen, for whoever looks into a failure."""
        import base64

        path.write_bytes(base64.b64decode(self._chromium.call("Page.captureScreenshot")["data"]))


def test_a_person_fills_in_the_form_and_presses_test(page, world, tmp_path):
    scheme, host, port = world.url.split(":")
    page.press("Add Connection")
    page.fill("[role=dialog] input[name=connection_id]", "filled_in")
    page.fill("[role=dialog] [role=combobox]", "calendly")
    page.wait_for("Calendly")
    page.enter()
    page.fill("[role=dialog] input[name=host]", f"{scheme}:{host}")
    page.fill("[role=dialog] input[name=port]", port)
    page.fill("[role=dialog] input[name=password]", TOKEN)
    page.picture(tmp_path / "form.png")
    page.press("Save", "[role=dialog]")
    page.wait_for("filled_in")
    page.press("Test Connection", "tr:has(td[data-testid=table-cell-connection_id]):last-of-type")
    page.wait_for("Signed in as ")
    page.picture(tmp_path / "tested.png")


# What is left behind


def test_no_token_is_left_in_the_database_or_the_logs(standalone, installation):
    run = standalone.run_dag("calendly_week")
    assert standalone.wait_for_run("calendly_week", run) == "success"
    files = [path for path in installation.home.rglob("*") if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    assert any(b"calendly_default" in content for path, content in contents.items() if path.suffix == ".db")
    assert any(b"calendly_week" in content for path, content in contents.items() if path.suffix == ".log")
    for secret in (TOKEN.encode(), KEY.encode()):
        assert not [path for path, content in contents.items() if secret in content]
