"""What becomes of a webhook subscription whose messages do not get through. Pure."""

from . import times
from .world import Subscription, World


def retry(world: World, subscription: Subscription, now: int) -> None:
    """Say that messages are being retried, from now on unless they were already."""
    if subscription.record["retry_started_at"] is None:
        _change(world, subscription, now, retry_started_at=times.write(now))


def recover(world: World, subscription: Subscription, now: int) -> None:
    """Say that nothing is being retried any more."""
    if subscription.record["retry_started_at"] is not None:
        _change(world, subscription, now, retry_started_at=None)


def disable(world: World, subscription: Subscription, now: int) -> None:
    """Send it nothing ever again."""
    _change(world, subscription, now, state="disabled")


def _change(world: World, subscription: Subscription, now: int, **changes: str | None) -> None:
    subscription.record |= {**changes, "updated_at": times.write(now)}
    world.touch()
