"""Private files: checked when they are read, replaced atomically, and locked across threads and processes."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import VaultError

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # opening a named pipe must not block


def read(path: Path, *, secret: bool) -> bytes | None:
    """Return a file's content, None if it doesn't exist. Only its owner may have access to a `secret` one.

    Raises VaultError for a link, for anything but a file, and for a secret that others can read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK | _NO_WAIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path, "is a symbolic link", f"Move the file itself to {path}.") from None
        raise _failed(path, "read", error) from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise _unsafe(path, "is not a file", "Move it away.")
        if secret and os.name == "posix":
            _require_private(path, state)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _failed(path, "read", error) from None
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Replace a file atomically: a crash leaves either the old or the new one, whole. Raises VaultError.

    The caller must hold a lock: the name of the temporary file is always the same, so none pile up.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(new, path)  # noqa: PTH105 - beside the other calls of os
        if os.name == "posix":  # elsewhere a folder can't be opened
            _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise _failed(path, "written", error) from None


@contextmanager
def file_lock(path: Path, timeout_s: float, what: str) -> Iterator[None]:
    """Hold the operating system's lock on a file, which ends with the process. Raises VaultError.

    Waits up to `timeout_s`; `what` names what is locked, for the error.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(path.parent, "created", error) from None
    # A soft lock would outlive its process.
    lock = FileLock(path, timeout=timeout_s, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise lock_timeout(what, timeout_s) from None
    except OSError as error:
        raise VaultError(
            f"Can't lock {path}: {error.strerror or type(error).__name__}.",
            fix="Check the folder's permissions, and that its file system supports locks.",
            reason="storage",
        ) from None
    try:
        yield
    finally:
        lock.release()


def lock_timeout(what: str, waited_s: float) -> VaultError:
    """Return the error for a lock that another process holds for too long."""
    return VaultError(
        f"{what} is still in use by another process after {waited_s:.0f} s.",
        fix="Try again. If it keeps failing, look for a process that hangs.",
        reason="busy",
        retryable=True,
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_private(path: Path, state: os.stat_result) -> None:
    if state.st_uid != os.geteuid():
        raise _unsafe(path, "belongs to another user", "Use a key file of your own.")
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(state.st_mode)
        raise _unsafe(
            path,
            f"is accessible to other users (mode {mode:04o})",
            f"Run: chmod 600 '{path}'. If others may have read it, then run: calendly-connector vault rekey",
        )


def _unsafe(path: Path, what: str, fix: str) -> VaultError:
    return VaultError(f"{path} {what}.", fix=fix, reason="unsafe")


def _failed(path: Path, what: str, error: OSError) -> VaultError:
    return VaultError(
        f"{path} could not be {what}: {error.strerror or type(error).__name__}.",
        fix="Check the disk and the folder's permissions, then try again.",
        reason="storage",
    )
