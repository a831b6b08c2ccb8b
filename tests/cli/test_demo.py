"""The demo: a story that fits a terminal, leaves nothing behind, and names the step that fails."""

import sys

import pytest
from calendly_connector import cli
from calendly_connector.cli import demo, demo_agent, demo_chat, demo_flow, demo_host, demo_story
from calendly_connector.sandbox.server import Sandbox
from terminal import INTERRUPT, STYLES, at_terminal, screen

OWNER = "sandbox-owner"
MOST_LINES, WIDTH = 59, 80
STEPS = {
    1: "A host loads the connector by its entry point",
    2: "It checks a wrong token, then a right one",
    3: "Tomorrow's agenda",
    4: "A flow is deployed, and a meeting booked by name and local time",
    5: "Its signed webhook arrives at the host",
    6: "The flow answers the booking with a message in a chat",
    7: "The agent is killed in the middle of a run, and nothing is lost",
}
WORDS = {
    1: ("calendly: Calendly", "actions", "triggers"),
    2: ("wrong  invalid_token", "right  ok: Signed in as Ada Okafor", "role owner", "scopes seen: "),
    3: ("$ calendly-connector agenda --tomorrow", "Tomasz Nowak", "INVITEE"),
    4: ("$ calendly-connector flow deploy booking-to-chat.yaml", "Booked 'Intro call' with Lena Marsh on"),
    5: ("signature is verified: 200", "a forged one: 401", "the same again: 200 already received"),
    6: ("#bookings  Lena Marsh (lena@client.example) booked Intro call", "Pricing"),
    7: ("$ kill -9 ", "#bookings  Sam Lindqvist", "$ calendly-connector flow runs", "nothing lost"),
}


@pytest.fixture
def own_machine(tmp_path, monkeypatch):
    """Return the folders of a person, whose settings the demo must leave alone, as it must their files."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    for name, folder in (("HOME", home), ("TMPDIR", temporary)):
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(home / "vault.json"))
    monkeypatch.setenv("CALENDLY_CREDENTIAL", "of-another-account")
    monkeypatch.setenv("CALENDLY_API_URL", "http://127.0.0.1:9")
    return home, temporary


def left(folders):
    return [path for folder in folders for path in folder.rglob("*")]


@pytest.fixture
def call(capsys, monkeypatch):
    """Return a function that runs the demo in this process: exit code, output, errors."""

    def run(server=None, token=OWNER):
        if server is not None:
            monkeypatch.setenv("CALENDLY_API_URL", server.url)
        monkeypatch.setenv("CALENDLY_API_TOKEN", token)
        code = cli.main(["demo"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


# The whole story


def test_the_story_fits_a_terminal_and_leaves_nothing_behind(own_machine):
    code, shown = screen("demo", width=WIDTH)
    assert "\x1b[1;36m7. " in shown
    text = STYLES.sub("", shown.replace("\x1b[1;36m", ""))
    lines = text.splitlines()
    assert code == 0, text
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= WIDTH
    assert left(own_machine) == []
    for number, title in STEPS.items():
        assert lines.count(f"{number}. {title}") == 1
        start = text.index(f"{number}. {title}")
        step = text[start : text.find("\n\n", start)]
        assert all(words in step for words in WORDS[number]), step
    last = text[text.rindex("\n\n") :].split()
    assert [word for word in ("login", "agenda", "agent") if word in last] == ["login", "agenda", "agent"]


def test_ctrl_c_ends_it_cleanly(own_machine):
    code, shown = at_terminal("demo", answers=[("3. ", INTERRUPT)])
    assert code == 1
    assert shown.endswith("calendly-connector: Interrupted.\n")
    assert "Traceback" not in shown
    assert left(own_machine) == []


# Steps that fail


class NoAgent(demo_agent.AgentProcess):
    """An agent that isn't started, for steps that don't need it."""

    def start(self):
        self.url = "http://127.0.0.1:9"

    def wait(self):
        """Wait for nothing."""


@pytest.fixture
def no_agent(monkeypatch):
    """Leave out the agent, and what it does."""
    monkeypatch.setattr(demo_agent, "AgentProcess", NoAgent)
    monkeypatch.setattr(demo_flow.DeployedFlow, "deploy", lambda *_: None)
    monkeypatch.setattr(demo_flow.DeployedFlow, "_wait_until_done", lambda *_: None)
    monkeypatch.setattr(demo_flow, "_until", lambda *_: None)


@pytest.fixture
def faulty(monkeypatch):
    """Return a function that lets the demo's sandbox begin with a fault."""

    def add(prepare):
        class Prepared(Sandbox):
            def __enter__(self):
                started = super().__enter__()
                prepare(started)
                return started

        monkeypatch.setattr("calendly_connector.sandbox.server.Sandbox", Prepared)

    return add


def check_failure(answer, number, message):
    code, out, err = answer
    assert code == 1
    assert err.startswith(f"demo: step {number}, ")
    assert STEPS[number] in err
    assert message in err
    assert err.count("\n") == 1
    assert "Next, with your own account" not in out
    assert f"{number}. {STEPS[number]}" in out


@pytest.mark.usefixtures("no_agent")
@pytest.mark.parametrize(
    ("method", "path", "number", "message"),
    [
        ("GET", "/users/me", 2, "the wrong token was reported as forbidden, not invalid_token"),
        ("GET", "/scheduled_events", 3, "403"),
        ("POST", "/webhook_subscriptions", 4, "403"),
        ("POST", "/invitees", 4, "403"),
    ],
)
def test_an_error_of_calendly_names_the_step(method, path, number, message, faulty, call):
    fault = {"method": method, "path": path, "status": 403, "times": 9}
    faulty(lambda sandbox: sandbox.fault("status", **fault))
    check_failure(call(), number, message)


@pytest.mark.usefixtures("no_agent")
def test_without_the_connector_the_first_step_fails(call, monkeypatch):
    monkeypatch.setattr("calendly_connector.examples.tiny_host.discover", dict)
    check_failure(call(), 1, "the host found no connector named calendly")


@pytest.mark.usefixtures("no_agent")
def test_a_missing_meeting_is_named(call, monkeypatch):
    monkeypatch.setattr("calendly_connector.cli.demo_meetings.plan_tomorrow", lambda *_: None)
    check_failure(call(), 3, "these meetings are missing: Noor van Dijk, Tomasz Nowak, Priya Nair")


@pytest.mark.usefixtures("no_agent")
def test_a_reply_of_another_shape_names_the_step(call, monkeypatch):
    monkeypatch.setattr("calendly_connector.cli.demo_meetings.book", lambda *_: {}["start"])
    check_failure(call(), 4, "unexpected reply (KeyError: 'start')")


@pytest.mark.usefixtures("no_agent")
@pytest.mark.parametrize("status", [200, 500])
def test_a_forged_webhook_that_is_not_rejected_fails_its_step(status, call, monkeypatch):
    monkeypatch.setattr(demo_host, "post", lambda *_: (status, "fine"))
    check_failure(call(), 5, f"a forged one was answered with {status}, not 401")


@pytest.mark.usefixtures("no_agent")
def test_a_webhook_that_does_not_arrive_fails_its_step(faulty, call, monkeypatch):
    monkeypatch.setattr(demo_host, "WAIT_S", 0.01)
    faulty(lambda sandbox: sandbox.delivery_faults(lose_message=1))
    check_failure(call(), 5, "no webhook arrived")


@pytest.mark.usefixtures("no_agent")
def test_a_message_about_somebody_else_fails_its_step(call, monkeypatch):
    monkeypatch.setattr(demo_chat.Chat, "next_message", lambda _: "Nobody booked")
    check_failure(call(), 6, "the message doesn't name Lena Marsh: Nobody booked")


@pytest.mark.usefixtures("no_agent")
def test_a_number_of_messages_other_than_that_of_bookings_fails_the_last_step(call, monkeypatch):
    messages = iter(["Lena Marsh booked", "Sam Lindqvist booked"])
    monkeypatch.setattr(demo_chat.Chat, "next_message", lambda _: next(messages))
    monkeypatch.setattr(demo_story.Story, "run", lambda *_, **__: "")
    monkeypatch.setattr("calendly_connector.cli.demo_meetings.show_agenda", lambda *_: None)
    monkeypatch.setattr("calendly_connector.cli.demo_meetings.book", lambda *_: None)
    monkeypatch.setattr(demo_host.Subscription, "receive", lambda *_: None)
    code, _, err = call()
    assert code == 1
    assert STEPS[7] in err
    assert "there are 0 messages of two bookings" in err


def test_an_agent_that_does_not_start_is_reported(tmp_path):
    agent = demo_agent.AgentProcess(tmp_path)
    agent.url = "http://127.0.0.1:not-a-port"
    agent.start()
    with agent, pytest.raises(demo_story.StepFailedError, match="the agent ended with code 1: ValueError"):
        agent.wait()


# What a machine lacks


@pytest.mark.parametrize("library", ["calendly_connector.sandbox.server", "dbos"])
def test_a_missing_library_says_what_to_install(library, call, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    code, _, err = call()
    assert code == 1
    assert err.count("\n") == 1
    assert "pip install 'calendly-connector[agent,sandbox]'" in err


def test_without_a_place_for_temporary_files_it_says_what_to_set(call, monkeypatch):
    def refuse(**_):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(demo, "TemporaryDirectory", refuse)
    code, _, err = call()
    assert code == 1
    assert err == (
        "demo: Can't write temporary files: No usable temporary directory found in ['/tmp']. "
        "Set TMPDIR to a folder in which you can write.\n"
    )


def test_a_machine_without_ports_is_one_line(call, monkeypatch):
    def refuse(_):
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(Sandbox, "__enter__", refuse)
    code, _, err = call()
    assert code == 1
    assert err == (
        "demo: Cannot assign requested address. The demo must be able to listen on ports of 127.0.0.1.\n"
    )


# With your own account


def test_a_live_demo_only_reads(call, faulty_sandbox, monkeypatch):
    monkeypatch.setenv("LIVE", "1")
    code, out, err = call(faulty_sandbox)
    assert (code, err) == (0, "")
    assert "right  ok: Signed in as" in out
    assert "wrong" not in out
    assert "$ calendly-connector agenda --tomorrow" in out
    assert "\x1b" not in out
    requests = faulty_sandbox.requests()["requests"]
    assert {request["method"] for request in requests} == {"GET"}


def test_a_live_demo_without_a_token_fails(call, unvisited, monkeypatch):
    monkeypatch.setenv("LIVE", "1")
    code, _, err = call(unvisited, token="")
    assert code == 1
    assert "demo: step 2, 'It checks your token', failed: " in err
    assert "missing_token" in err


# How it is told


@pytest.fixture
def story(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    return demo_story.Story()


def test_texts_are_wrapped_between_words(story, capsys):
    story.say("one two three " * 10, label="label")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("   label  one two three")
    assert {line[:10] for line in lines[1:]} == {" " * 10}
    assert max(map(len, lines)) <= 60
    assert " ".join(lines).split() == ["label", *["one", "two", "three"] * 10]


def test_a_long_command_is_continued_between_options(story, capsys):
    story.type("program", "book", "tue 14:00", "--name", "Lena Marsh", "--email", "lena@client.example")
    assert capsys.readouterr().out.splitlines() == [
        '   $ program book "tue 14:00" --name "Lena Marsh" \\',
        "       --email lena@client.example",
    ]


@pytest.mark.parametrize(("columns", "explained"), [("60", False), ("100", True)])
def test_the_last_commands_are_explained_if_there_is_room(columns, explained, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    demo_story.Story().end("Next:", {"login": "sign in with a token that you made yourself"})
    out = capsys.readouterr().out
    assert "   calendly-connector login" in out
    assert ("sign in" in out) is explained


@pytest.mark.parametrize(
    ("started", "on_path", "shown"),
    [
        ("env/bin/calendly-connector", False, "env/bin/calendly-connector"),
        ("env/bin/calendly-connector", True, "calendly-connector"),
        ("/elsewhere/pytest", False, "calendly-connector"),
    ],
)
def test_the_last_commands_begin_as_the_demo_was_started(started, on_path, shown, tmp_path, monkeypatch):
    program = tmp_path / "env" / "bin" / "calendly-connector"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(program.parent if on_path else tmp_path))
    monkeypatch.setattr(sys, "argv", [started, "demo"])
    assert demo_story._program() == shown


def test_a_failed_command_is_reported_with_what_it_says(story, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", "http://127.0.0.1:9")
    reported = pytest.raises(
        demo_story.StepFailedError, match="step 1, 'Try', failed: No such command 'walk'"
    )
    with reported, story.step("Try"):
        story.run("walk")
