"""One at a time, across threads and processes. A lock ends with the process that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import VaultError
from . import atomic_files


@contextmanager
def file_lock(path: Path, timeout_s: float, what: str) -> Iterator[None]:
    """Hold a lock of the operating system on a file; wait for it up to `timeout_s` seconds."""
    from filelock import FileLock, Timeout

    atomic_files.make_folder(path.parent)
    # A soft lock would outlive its process.
    lock = FileLock(path, timeout=timeout_s, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise busy(what, timeout_s) from None
    except OSError as error:
        raise VaultError(
            f"The lock {path} cannot be taken: {error.strerror or type(error).__name__}.",
            fix="Check the folder's permissions, and that its file system has locks.",
            reason="storage",
        ) from None
    try:
        yield
    finally:
        lock.release()


def busy(what: str, waited_s: float) -> VaultError:
    """Word that somebody else holds a lock for too long."""
    return VaultError(
        f"{what} is in use by another process, for more than {waited_s:.0f} s.",
        fix="Try again; if it stays, look for a process that hangs.",
        reason="busy",
        retryable=True,
    )
