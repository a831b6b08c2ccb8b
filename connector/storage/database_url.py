"""Addresses of databases, as SQLAlchemy writes them."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from ..errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import URL

_BEFORE_HOST: Final = re.compile(r"[^:/]*://[^:/]*:[^@]*@")  # a password may hold all but @
_SETTING: Final = re.compile(r"(?:pass(?:word|wd|phrase)?|pwd|secret|token)\s*=", re.IGNORECASE)


def database_url(address: str, *, what: str, setting: str, extra: str) -> "URL":
    """Read the address of a database that outlives its process, and whose driver is installed.

    UsageError says otherwise: `what` is kept there, `setting` is where the address was set, `extra` of this
    package brings SQLAlchemy.
    """
    try:
        from sqlalchemy import make_url
    except ImportError:
        raise UsageError(
            f"{what} in a database needs SQLAlchemy.", fix=f"pip install 'calendly-connector[{extra}]'"
        ) from None
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(address)
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise UsageError(
            f"{what} in this database needs {error.name}.", fix=f"pip install {error.name}"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError(
            f"{setting} is not the address of a database.",
            fix="Write it as SQLAlchemy does, such as postgresql+psycopg://user:password@host/database.",
        ) from None
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise UsageError(f"{what} in memory is gone with its process.", fix="Give the path of a file.")
    return url


def holds_password(address: str) -> bool:
    """Return whether a password stands in an address, for places that others can read.

    It may stand before the host or, in whatever spelling, in a setting such as `password=` or `PWD=`, itself
    in a text that a driver takes. The path of a file with passwords is none.
    """
    if "://" not in address:
        return False
    plain = unquote_plus(unquote_plus(address))
    return bool(_BEFORE_HOST.match(address) or _SETTING.search(plain))


def shown(url: "URL") -> str:
    """Write an address without its password; some drivers take one in the query too."""
    return url.set(query={}).render_as_string(hide_password=True)
