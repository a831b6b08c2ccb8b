"""The standing watch over webhook subscriptions: what it notices, and that each thing is said once."""

import threading
from dataclasses import dataclass, field, replace

import pytest
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.database import Database
from calendly_connector.agent.engine.executors import Executors
from calendly_connector.agent.engine.flow_store import FlowStore
from calendly_connector.agent.engine.webhook_watch import WebhookWatch
from calendly_connector.agent.flows.model import Flow, FlowConnection, FlowTrigger
from calendly_connector.contract import SubscriptionState
from calendly_connector.errors import NoAnswer, Unauthenticated
from calendly_connector.support.clock import Timing

EVENTS = ("invitee.created",)
CONNECTIONS = {"calendly": FlowConnection("calendly", "work"), "agent": FlowConnection("agent")}
ALARM = ("webhook.disabled", "webhook.vanished", "webhook.repaired")
FLOWS = {
    "booking": Flow("booking", CONNECTIONS, FlowTrigger("triggered", "calendly", EVENTS), ()),
    "alarm": Flow("alarm", CONNECTIONS, FlowTrigger("triggered", "agent", ALARM), ()),
    "other": Flow("other", CONNECTIONS, FlowTrigger("triggered", "agent", ("webhook.vanished",)), ()),
}


@dataclass
class Application:
    """The application: its subscriptions, or the error with which it answers. It is a connector, too."""

    listed: list = field(default_factory=list)
    error: Exception | None = None
    looks: int = 0
    gate: threading.Barrier | None = None

    def connect(self, _credential, **_options):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def subscription_states(self):
        self.looks += 1
        if self.gate:
            self.gate.wait(30)
        if self.error:
            raise self.error
        return list(self.listed)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@dataclass
class World:
    """One database, and the processes that watch."""

    url: str
    application: Application = field(default_factory=Application)
    clock: Clock = field(default_factory=Clock)
    runs: list = field(default_factory=list)
    databases: list = field(default_factory=list)
    fails: int = 0

    def watch(self, executor):
        database = Database(self.url)
        database.create()
        self.databases.append(database)
        Executors(database).join(executor, self.clock())
        timing = Timing(clock=self.clock)
        flows = FlowStore(database, FLOWS.__getitem__, timing)
        for name, flow in FLOWS.items():
            flows.deploy(name, flow)
        connections = Connections(lambda _name: self.application)
        watch = WebhookWatch(database, flows, connections, timing, self.start_run)
        self.flow_url = f"https://flows.acme.example/flows/booking/{flows.get('booking').secret}"
        return watch

    def start_run(self, name, event, *, by):
        assert by == "triggered"
        if self.fails:
            self.fails -= 1
            raise NoAnswer("The database is away.", reason="broken", may_have_happened=False)
        run = (name, event["id"], event["kind"])
        if run not in self.runs:  # as the engine does: once for each id
            self.runs.append(run)

    def subscription(self, state="active", number=1, **more):
        url = f"{self.flow_url}?subscription={number:032x}"
        made = SubscriptionState(state, f"{number:032x}", f"uri-{number}", url, EVENTS, "organization", "o")
        return replace(made, **more)

    def started(self):
        return [(name, kind) for name, _, kind in self.runs]


@pytest.fixture
def world(database):
    made = World(database)
    yield made
    for one in made.databases:
        one.close()


@pytest.fixture
def shared_world(postgres_url):
    made = World(postgres_url)
    yield made
    for one in made.databases:
        one.close()


pytest_plugins = ["engine_fixtures"]


def look_later(world, watch, executor="one"):
    world.clock.now += 60
    return watch.look(executor)


def states(watch):
    return [(one.flow, one.state) for one in watch.known().get("calendly", [])]


def test_a_disabled_webhook_starts_the_flows_that_name_it_once(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription()]
    watch.look("one")
    assert (states(watch), world.started()) == ([("booking", "active")], [])
    world.application.listed = [world.subscription("disabled", message="Disabled.")]
    for _ in range(3):
        look_later(world, watch)
    assert states(watch) == [("booking", "disabled")]
    assert world.started() == [("alarm", "webhook.disabled")]
    world.application.listed = [world.subscription()]
    look_later(world, watch)
    assert world.started()[1:] == [("alarm", "webhook.repaired")]
    world.application.listed = [world.subscription("disabled")]
    look_later(world, watch)
    assert world.started()[2:] == [("alarm", "webhook.disabled")]  # another occurrence
    assert len({run_id for _, run_id, _ in world.runs}) == 3


def test_it_looks_once_a_minute(world):
    watch = world.watch("one")
    assert [watch.look("one"), watch.look("one")] == [1, 0]
    assert look_later(world, watch) == 1
    watch.hurry("calendly")
    assert watch.look("one") == 1


def test_one_that_is_broken_at_the_first_look_is_said_too(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription("vanished")]
    watch.look("one")
    assert world.started() == [("alarm", "webhook.vanished"), ("other", "webhook.vanished")]


def test_one_that_is_no_longer_listed_has_vanished_if_its_flow_misses_it(world):
    watch = world.watch("one")
    foreign = world.subscription(number=2, url="https://elsewhere.acme.example/?subscription=1")
    world.application.listed = [world.subscription(), foreign]
    watch.look("one")
    world.application.listed = []
    look_later(world, watch)
    look_later(world, watch)
    assert states(watch) == [("booking", "vanished")]  # nobody misses the other one
    assert world.started() == [("alarm", "webhook.vanished"), ("other", "webhook.vanished")]
    world.application.listed = [world.subscription(number=3)]
    look_later(world, watch)
    assert states(watch) == [("booking", "active")]
    assert world.started()[2:] == [("alarm", "webhook.repaired")]


def test_a_replaced_one_has_not_vanished(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription()]
    watch.look("one")
    world.application.listed = [world.subscription(number=2)]
    look_later(world, watch)
    assert (states(watch), world.started()) == ([("booking", "active")], [])


def test_what_it_cant_see_stays_as_it_was_and_the_last_look_is_known(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription()]
    watch.look("one")
    world.application.listed = [world.subscription("unknown")]
    look_later(world, watch)
    assert states(watch) == [("booking", "active")]
    world.application.error = NoAnswer("No reply.", reason="broken", may_have_happened=False)
    look_later(world, watch)
    look_later(world, watch)
    (look,) = watch.looks()
    assert (look.looked_at, look.failing_since, look.passes) == (1060.0, 1120.0, True)
    assert states(watch) == [("booking", "active")]
    world.application.error = Unauthenticated("The token was revoked.", fix="Make another.", status=401)
    look_later(world, watch)
    (look,) = watch.looks()
    assert (look.error, look.fix, look.passes) == ("The token was revoked.", "Make another.", False)
    world.application.error = None
    look_later(world, watch)
    (look,) = watch.looks()
    assert (look.failing_since, look.error) == (None, "")
    assert world.started() == []


def test_a_fault_of_the_connector_is_a_look_that_failed(world):
    watch = world.watch("one")
    world.application.error = ZeroDivisionError("oops")
    watch.look("one")
    assert watch.looks()[0].failing_since == world.clock()


def test_an_event_is_kept_until_its_flows_are_started(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription("vanished")]
    world.fails = 1
    with pytest.raises(NoAnswer):
        watch.look("one")
    assert world.runs == []
    after_restart = world.watch("two")
    after_restart.look("two")
    assert world.started() == [("alarm", "webhook.vanished"), ("other", "webhook.vanished")]
    after_restart.look("two")
    assert len(world.runs) == 2


def test_a_change_while_nobody_watched_is_noticed_after_the_restart(world):
    world.watch("one").look("one")
    first = world.watch("two")
    world.application.listed = [world.subscription()]
    look_later(world, first, "two")
    world.application.listed = [world.subscription("disabled")]
    look_later(world, world.watch("three"), "three")
    assert world.started() == [("alarm", "webhook.disabled")]


def test_one_that_a_person_deleted_is_forgotten(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription("disabled")]
    watch.look("one")
    watch.forget("calendly", f"{1:032x}")
    world.application.listed = []
    look_later(world, watch)
    assert (states(watch), len(world.runs)) == ([], 1)


def test_a_look_that_was_overtaken_changes_nothing(world):
    watch = world.watch("one")
    world.application.listed = [world.subscription("disabled")]
    listed = world.application.subscription_states

    def hurried():
        watch.hurry("calendly")
        return listed()

    world.application.subscription_states = hurried
    watch.look("one")
    assert (states(watch), world.runs) == ([], [])
    world.application.subscription_states = listed
    watch.look("one")
    assert states(watch) == [("booking", "disabled")]


def test_the_event_has_no_address_that_could_be_posted_to(world):
    watch = world.watch("one")
    events = []
    watch._start_run = lambda _name, event, **_more: events.append(event)
    world.application.listed = [world.subscription("disabled", message="Disabled.")]
    watch.look("one")
    assert events[0]["payload"] == {
        "subscription": f"{1:032x}",
        "flow": "booking",
        "connector": "calendly",
        "credential": "work",
        "events": ["invitee.created"],
        "scope": "organization",
        "message": "Disabled.",
        "since": "1970-01-01T00:16:40.000000Z",
    }
    assert world.flow_url.rpartition("/")[2] not in str(events)


def test_two_processes_look_once_and_start_each_flow_once(shared_world):
    world = shared_world
    watches = {name: world.watch(name) for name in ("one", "two")}
    world.application.listed = [world.subscription()]
    watches["one"].look("one")
    world.application.listed = [world.subscription("disabled")]
    world.application.looks = 0
    world.clock.now += 60
    threads = [threading.Thread(target=watch.look, args=(name,)) for name, watch in watches.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert world.application.looks == 1
    assert world.started() == [("alarm", "webhook.disabled")]


def test_a_process_that_died_while_it_looked_is_succeeded(shared_world):
    world = shared_world
    first, second = world.watch("one"), world.watch("two")
    first._plan()
    assert first._claim(("calendly", "work"), world.clock(), "one")
    assert second.look("two") == 0
    executors = Executors(world.databases[1])
    executors.declare_dead("one", executors.beats()["one"])
    assert second.look("two") == 1
