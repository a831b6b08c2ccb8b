"""Every answer of trouble, as the documentation words it, and the one exception that carries them. Pure."""

from collections.abc import Iterable
from typing import Any

Body = dict[str, Any]


class ApiError(Exception):
    """An answer other than success: HTTP status and JSON body."""

    def __init__(self, status: int, title: str, message: str, **more: Any) -> None:
        super().__init__(f"{status} {title}: {message}")
        self.status = status
        self.body: Body = {"title": title, "message": message, **more}


def invalid(*details: Body) -> ApiError:
    """400: make one detail with `detail`."""
    more = {"details": list(details)} if details else {}
    return ApiError(400, "Invalid Argument", "The supplied parameters are invalid.", **more)


def detail(message: str, parameter: str | None = None) -> Body:
    """Say what is wrong, and with which parameter where it is about one."""
    return {"message": message} if parameter is None else {"parameter": parameter, "message": message}


def unauthenticated() -> ApiError:
    """401."""
    return ApiError(401, "Unauthenticated", "The access token is invalid")


def denied(message: str = "You do not have permission to access this resource.") -> ApiError:
    """403 for a role, a relation or a plan."""
    return ApiError(403, "Permission Denied", message)


def upgrade_required() -> ApiError:
    """403 for what the plan does not hold."""
    return denied("Please upgrade to a paid Calendly account.")


def not_in_organization() -> ApiError:
    """403 for a user of somewhere else."""
    return denied("This user is not in your organization")


def insufficient_scope(scopes: Iterable[str]) -> ApiError:
    """403 for a token without the scopes."""
    message = "This operation requires the scopes listed in the 'required_scopes' array."
    return ApiError(403, "Insufficient scope", message, required_scopes=list(scopes))


def already_exists(message: str) -> ApiError:
    """409."""
    return ApiError(409, "Already Exists", message)


def from_status(status: int) -> ApiError:
    """Give the plain error of a status, for answers that need no particulars."""
    title, message = _PLAIN.get(status, ("Error", f"The server answered with status {status}."))
    return ApiError(status, title, message)


_PLAIN = {
    401: ("Unauthenticated", "The access token is invalid"),
    403: ("Permission Denied", "You do not have permission to access this resource."),
    404: ("Resource Not Found", "The server could not find the requested resource."),
    405: ("Method Not Allowed", "This resource does not answer to this method."),  # not documented
    409: ("Already Exists", "Hook with this url already exists"),
    424: ("External Calendar Error", "There is a problem accessing your calendar."),
    429: (
        "Too Many Requests",
        "The rate limit is used up; try again when the window is over.",
    ),  # not documented
    500: (
        "Internal Server Error",
        "The server encountered an unexpected condition that prevented it from fulfilling the request.",
    ),
    503: ("Service Unavailable", "The service is not available at the moment."),
}


def not_found() -> ApiError:
    """404."""
    return from_status(404)
