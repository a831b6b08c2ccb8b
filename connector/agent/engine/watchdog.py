"""Shows that this process is alive, and takes over the runs of those that aren't.

See docs/decisions/agent-on-dbos.md. Two threads: the beat must not wait for the work of taking over.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from ...errors import AgentDatabaseError
from ...support.clock import Timing
from . import dbos_internals
from .executors import Executors

LEASE_S: Final = 15.0
_MARGIN: Final = 0.9  # clocks of machines run at slightly different speeds
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class Watchdog:
    """Watches over the processes of an agent. `on_dead` is called if others declared this one dead."""

    def __init__(
        self,
        executors: Executors,
        executor: str,
        queue: str,
        *,
        timing: Timing,
        on_dead: Callable[[], None],
        lease_s: float = LEASE_S,
    ) -> None:
        self._executors = executors
        self._executor = executor
        self._queue = queue
        self._timing = timing
        self._on_dead = on_dead
        self._lease_s = lease_s
        self._sure_until = 0.0
        self._seen: dict[str, tuple[int, float]] = {}
        self._lost: dict[str, float] = {}
        self._beating = Loop("agent-beat", lease_s / 5, self.beat)
        self._looking = Loop("agent-watchdog", lease_s / 5, self.look)

    def start(self) -> None:
        """Join the processes, and start watching. Call `beat` and `look` yourself if you don't start it."""
        self._beating.start()
        self._looking.start()

    def stop_looking(self) -> None:
        """Stop looking for others, which needs DBOS, but keep showing that this process is alive."""
        self._looking.stop()

    def stop(self) -> None:
        """Stop watching."""
        self._beating.stop()
        self._looking.stop()

    def sure(self) -> bool:
        """Return whether nobody can have taken over the runs of this process."""
        return self._timing.monotonic() < self._sure_until or self.beat()

    def beat(self) -> bool:
        """Show that this process is alive. Return whether it still is for the others."""
        began = self._timing.monotonic()
        alive = self._executors.beat(self._executor)
        if alive:
            self._sure_until = began + self._lease_s * _MARGIN
        else:
            self._sure_until = 0.0
            self._on_dead()
        return alive

    def look(self) -> int:
        """Look for dead processes and take over what they left pending. Return how many runs that were."""
        try:
            dead = self._dead()
            taken = sum(
                dbos_internals.requeue(workflow, executor, self._queue)
                for workflow, executor in self._abandoned(dead)
            )
        except Exception:
            # What was seen before an outage says nothing: nobody could beat during it.
            self._seen.clear()
            raise
        if taken:
            _LOGGER.warning("Took over %d runs of processes that ended.", taken)
        return taken

    def _dead(self) -> set[str]:
        """Return the processes that are dead, and declare those dead that haven't beaten for a lease."""
        now = self._timing.monotonic()
        beats = self._executors.beats()
        dead = {executor for executor, beat in beats.items() if beat is None}
        for executor, beat in beats.items():
            if beat is None or executor == self._executor:
                continue
            seen, since = self._seen.get(executor, (-1, now))
            if seen != beat:
                self._seen[executor] = (beat, now)
            elif now - since >= self._lease_s and self._executors.declare_dead(executor, beat):
                _LOGGER.warning("The process %s is dead: no beat for %.0f s.", executor, self._lease_s)
                dead.add(executor)
        return dead

    def _abandoned(self, dead: set[str]) -> list[tuple[str, str]]:
        """Return pending workflows that nobody carries out, with their executors."""
        now = self._timing.monotonic()
        pending, active = dbos_internals.pending(), dbos_internals.active()
        alive = {executor for executor, beat in self._executors.beats().items() if beat is not None}
        abandoned = [(workflow, executor) for workflow, executor in pending if executor not in alive]
        # An outage between claiming a workflow and starting it leaves it behind in a living process.
        mine = {workflow for workflow, executor in pending if executor == self._executor} - active
        self._lost = {workflow: self._lost.get(workflow, now) for workflow in mine}
        lost = [workflow for workflow, since in self._lost.items() if now - since >= self._lease_s]
        abandoned += [(workflow, self._executor) for workflow in lost]
        for executor in dead - {executor for _, executor in pending}:
            self._executors.bury(executor)
        return abandoned


class Loop:
    """A thread that does something again and again. An error is logged, and doesn't end it."""

    def __init__(self, name: str, every_s: float, act: Callable[[], object]) -> None:
        self._every_s = every_s
        self._act = act
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        self._ending.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._act()
            except AgentDatabaseError as error:
                _LOGGER.warning("%s: %s", self._thread.name, error)
            except Exception:
                _LOGGER.exception("%s failed; it goes on.", self._thread.name)
            self._ending.wait(self._every_s)
