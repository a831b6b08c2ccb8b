"""One folder and the files below it: no path leaves it, and every write happens as a whole or not at all.

A lock on the folder keeps writers apart, also those of other processes. Before lines are appended, a note
beside the file says what the file will be; after a crash, the next use of the file compares the two, and cuts
off what was appended in part.

See docs/decisions/a-note-before-each-append.md.
"""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ....errors import DestinationError

_LOCK: Final = ".calendly-connector.lock"
_LOCK_TIMEOUT_S: Final = 60.0
_LOCK_POLL_S: Final = 0.01
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)  # opening a named pipe must not block
_MAY_PASS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBUSY, errno.EMFILE, errno.ENFILE})


class Folder:
    """A folder of the agent's machine. Paths are relative to it, and their form was checked."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def reach(self) -> None:
        """Raise DestinationError unless the folder exists and can be written to."""
        if not self.root.is_dir():
            raise DestinationError(f"The folder {self.root} doesn't exist.", fix="Create it.")
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise DestinationError(
                f"The folder {self.root} can't be written to.", fix="Check its permissions."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock, which ends with the process."""
        from filelock import FileLock, Timeout

        self.reach()
        # A soft lock would outlive its process.
        lock = FileLock(self.root / _LOCK, timeout=_LOCK_TIMEOUT_S, mode=0o600, fallback_to_soft=False)
        try:
            lock.acquire(poll_interval=_LOCK_POLL_S)
        except Timeout:
            raise DestinationError(
                f"The folder {self.root} is still in use by another process.",
                fix="Try again.",
                retryable=True,
            ) from None
        except OSError as error:
            raise _failed(_LOCK, error) from None
        try:
            yield
        finally:
            lock.release()

    def content(self, path: str) -> bytes:
        """Return a file's content, b"" if it doesn't exist. The caller holds the lock."""
        try:
            with self._parent(path) as (parent, name):
                _recover(parent, name)
                return _read(parent, name)
        except FileNotFoundError:
            return b""

    def append(self, path: str, content: bytes, size: int) -> None:
        """Append to a file of this size, as a whole or not at all. The caller holds the lock."""
        with self._parent(path, make=True) as (parent, name):
            note = {"size": size, "adds": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            _replace(parent, _note(name), json.dumps(note).encode())
            descriptor = _open(parent, name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                _write(descriptor, content)
            except OSError as error:
                try:
                    os.ftruncate(descriptor, size)
                except OSError:  # the next use does it, unless everything was written
                    raise _failed(path, error, may_have_happened=True) from None
                raise
            finally:
                os.close(descriptor)
            with suppress(OSError):  # the lines are there, and the next use removes the note
                os.unlink(_note(name), dir_fd=parent)
            if not size:  # otherwise the folder has the file's name already
                _sync(parent)

    def write(self, path: str, content: bytes) -> None:
        """Replace a file, or create it. The caller holds the lock."""
        with self._parent(path, make=True) as (parent, name):
            with suppress(FileNotFoundError):
                os.unlink(_note(name), dir_fd=parent)
            _replace(parent, name, content)

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the opened folder of a file, and the file's name. Links are not followed.

        Raises FileNotFoundError if the folder doesn't exist and isn't to be made. Other errors of the system
        become our own.
        """
        *folders, name = path.split("/")
        opened = [os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)]
        try:
            for folder in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(folder, 0o700, dir_fd=opened[-1])
                opened.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=opened[-1]))
            yield opened[-1], name
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not make:
                raise
            raise _failed(path, error) from None
        finally:
            for descriptor in opened:
                os.close(descriptor)


def _recover(parent: int, name: str) -> None:
    """Cut off what an append left behind that was interrupted. One that was complete stays."""
    try:
        note = json.loads(_read(parent, _note(name)) or b"{}")
    except ValueError:
        note = {}
    if not note:
        return
    added = _read(parent, name)[note["size"] :]
    # After other appends, it is the note that was left behind.
    if 0 < len(added) <= note["adds"]:
        is_whole = hashlib.sha256(added).hexdigest() == note["sha256"]
        descriptor = _open(parent, name, os.O_WRONLY)
        try:
            if not is_whole:
                os.ftruncate(descriptor, note["size"])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    os.unlink(_note(name), dir_fd=parent)


def _note(name: str) -> str:
    return f".{name}.appending"


def _open(parent: int, name: str, flags: int) -> int:
    """Open a regular file. A new one can only be read by its owner."""
    descriptor = os.open(name, flags | _NO_LINK | _NO_WAIT, 0o600, dir_fd=parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file")
    return descriptor


def _read(parent: int, name: str) -> bytes:
    try:
        descriptor = _open(parent, name, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        return file.read()


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _replace(parent: int, name: str, content: bytes) -> None:
    """Replace a file atomically: a crash leaves either the old or the new one."""
    new = f".{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=parent)
    descriptor = _open(parent, new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        _write(descriptor, content)
    finally:
        os.close(descriptor)
    os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
    _sync(parent)


def _sync(folder: int) -> None:
    with suppress(OSError):  # some file systems can't
        os.fsync(folder)


def _failed(path: str, error: OSError, *, may_have_happened: bool = False) -> DestinationError:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return DestinationError(
            f"{path} leads through a link, or through something that isn't a folder.",
            fix="Use the path of a file in the folder itself.",
        )
    return DestinationError(
        f"{path} could not be used: {error.strerror or type(error).__name__}.",
        fix="Check the disk and the folder's permissions, then try again.",
        retryable=error.errno in _MAY_PASS and not may_have_happened,
        may_have_happened=may_have_happened,
    )
