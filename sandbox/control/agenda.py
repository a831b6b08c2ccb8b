"""What is to be done when: jobs in the order in which they become due. Pure."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from .messages import Message


class Job(NamedTuple):
    """An attempt at a message or a copy of it; due at a moment (microseconds), then by order."""

    at: int
    order: int
    message: Message
    is_copy: bool


class Agenda:
    """The jobs that are not begun yet."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []  # a heap
        self._planned = 0

    def put(self, message: Message, at: int, *, is_copy: bool = False) -> None:
        """Plan a job."""
        heappush(self._jobs, Job(at, self._planned, message, is_copy))
        self._planned += 1

    def next_at(self) -> int | None:
        """Give when the next job is due."""
        return self._jobs[0].at if self._jobs else None

    def take(self, now: int) -> Iterator[Job]:
        """Give the jobs that are due, and forget them."""
        while self._jobs and self._jobs[0].at <= now:
            yield heappop(self._jobs)

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()
