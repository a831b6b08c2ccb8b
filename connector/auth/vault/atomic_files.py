"""Files that are nobody else's business: read with suspicion, replaced whole or not at all."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from ...errors import VaultError

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # a named pipe must not keep us waiting


def read(path: Path, *, secret: bool) -> bytes | None:
    """Read a file, or give None where there is none. A `secret` one has to be its owner's alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK | _AT_ONCE)
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
            _must_be_private(path, state)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _failed(path, "read", error) from None
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of the old one, so that a crash leaves one of both, whole.

    Only the holder of a lock may call this: there is one temporary name, so that none piles up.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(new, path)  # noqa: PTH105 - beside the other calls of the system
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise _failed(path, "written", error) from None


def make_folder(path: Path) -> None:
    """Make a folder of one's own, unless it is there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(path, "made", error) from None


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # a folder cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _must_be_private(path: Path, state: os.stat_result) -> None:
    if state.st_uid != os.geteuid():
        raise _unsafe(path, "belongs to another user", "Use a key file of your own.")
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(state.st_mode)
        raise _unsafe(
            path,
            f"can be read or changed by others (mode {mode:04o})",
            f"Run: chmod 600 '{path}'. If others may have read it, then: calendly-connector vault rekey.",
        )


def _unsafe(path: Path, what: str, fix: str) -> VaultError:
    return VaultError(f"{path} {what}.", fix=fix, reason="unsafe")


def _failed(path: Path, what: str, error: OSError) -> VaultError:
    return VaultError(
        f"{path} could not be {what}: {error.strerror or type(error).__name__}.",
        fix="Check the disk and the folder's permissions, then try again.",
        reason="storage",
    )
