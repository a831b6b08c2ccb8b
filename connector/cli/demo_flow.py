"""The demo's steps of a process flow: it answers a booking, and survives that its agent is killed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .agent_options import make_engine
from .demo_agent import AgentProcess
from .demo_chat import Chat
from .demo_story import StepFailedError, Story, require

if TYPE_CHECKING:
    from calendly_connector.sandbox.server import Sandbox

    from ..auth.vault import Vault

TEMPLATE: Final = "booking-to-chat"
_WAIT_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.05
_HELD_S: Final = 6.0  # the agent is killed within much less
_FIRST_READ: Final = "/scheduled_events"  # by the flow's first step


class DeployedFlow:
    """A flow, the process that carries it out, and the chat that it writes to."""

    def __init__(self, sandbox: "Sandbox", agent: AgentProcess, chat: Chat) -> None:
        self._sandbox = sandbox
        self._agent = agent
        self._chat = chat
        self._engine = make_engine(f"sqlite:///{agent.database}")  # to look at runs; it carries out none

    def deploy(self, story: Story, vault: "Vault", folder: Path) -> None:
        """Deploy it, as a person does."""
        from ..agent import templates

        self._agent.wait()
        vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-owner"})
        vault.put("chat", {"kind": "webhook", "url": self._chat.url, "private_network": "allowed"})
        path = folder / f"{TEMPLATE}.yaml"
        path.write_text(templates.read(TEMPLATE), encoding="utf-8")
        story.run("flow", "deploy", str(path), most=1)

    def answer(self, story: Story, name: str) -> None:
        """Tell how the flow answers a booking."""
        with story.step("The flow answers the booking with a message in a chat"):
            self._show_message(story, name)
            self._wait_until_done(1)

    def survive(self, story: Story, name: str, start_time: str) -> None:
        """Tell how a run survives that its process is killed."""
        first = name.partition(" ")[0]
        with story.step("The agent is killed in the middle of a run, and nothing is lost"):
            self._sandbox.fault("latency", method="GET", path=_FIRST_READ, latency_s=_HELD_S)
            self._sandbox.delivery_faults(duplicate=1)
            reads = self._reads()
            self._sandbox.book(name=name, email=f"{first.lower()}@client.example", start_time=start_time)
            _until(lambda: self._reads() > reads and self._was_sent_twice(), "no run began")
            require(self._chat.messages.empty(), "the run ended before the agent was killed")
            story.say(f"{first} books. The webhook comes twice, and the agent begins a run.")
            story.type("kill", "-9", str(self._agent.kill()))
            self._agent.start()
            self._agent.wait()
            story.say("It is started again, takes over the run and ends it:")
            self._show_message(story, name)
            self._wait_until_done(2)
            story.run("flow", "runs")
            messages = self._chat.count
            require(messages == 2, f"there are {messages} messages of two bookings")  # noqa: PLR2004
            story.say("One booking, one run, one message: nothing lost, nothing twice.", style="32")

    def _show_message(self, story: Story, name: str) -> None:
        text = self._chat.next_message()
        require(text.startswith(name), f"the message doesn't name {name}: {text}")
        lines = [line for line in text.splitlines() if line]
        for number, line in enumerate(lines):
            story.say(line, label="#bookings" if not number else " " * len("#bookings"), style="33")

    def _reads(self) -> int:
        requests = self._sandbox.requests()["requests"]
        return sum(one["path"] == _FIRST_READ for one in requests)

    def _was_sent_twice(self) -> bool:
        sent = [one for one in self._sandbox.deliveries() if one["url"].startswith(self._agent.url)]
        return any(one["delivered"] and one["duplicates"] for one in sent)

    def _wait_until_done(self, count: int) -> None:
        """Wait until the runs have ended. Raises StepFailedError unless `count` are done."""
        _until(lambda: all(run.ended_at for run in self._engine.runs.find()), "a run didn't end")
        states = [run.state for run in self._engine.runs.find()]
        require(states == ["done"] * count, f"the runs are {', '.join(states)}, not {count} times done")


def _until(holds: Callable[[], Any], problem: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise StepFailedError(f"{problem} within {_WAIT_S:.0f} s")
        time.sleep(_LOOK_EVERY_S)
