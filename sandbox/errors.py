"""The error replies of the API, worded as documented, and the exception that carries them. Pure."""

from collections.abc import Iterable
from typing import Any

Body = dict[str, Any]


class ApiError(Exception):
    """An error reply: HTTP status and JSON body."""

    def __init__(self, status: int, title: str, message: str, **more: Any) -> None:
        super().__init__(f"{status} {title}: {message}")
        self.status = status
        self.body: Body = {"title": title, "message": message, **more}


def invalid(*details: Body) -> ApiError:
    """Return a 400; build its details with `detail`."""
    more = {"details": list(details)} if details else {}
    return ApiError(400, "Invalid Argument", "The supplied parameters are invalid.", **more)


def detail(message: str, parameter: str | None = None) -> Body:
    """Return one detail of a 400: the message, and the parameter if it is about one."""
    return {"message": message} if parameter is None else {"parameter": parameter, "message": message}


def unauthenticated() -> ApiError:
    """Return the 401 for a missing, unknown or expired token."""
    return ApiError(401, "Unauthenticated", "The access token is invalid")


def denied(message: str = "You do not have permission to access this resource.") -> ApiError:
    """Return the 403 for a missing role, another user's resource, or a plan."""
    return ApiError(403, "Permission Denied", message)


def upgrade_required() -> ApiError:
    """Return the 403 for a feature that the plan doesn't include."""
    return denied("Please upgrade to a paid Calendly account.")


def not_in_organization() -> ApiError:
    """Return the 403 for a user of another organization."""
    return denied("This user is not in your organization")


def insufficient_scope(scopes: Iterable[str]) -> ApiError:
    """Return the 403 for a token without the scopes."""
    message = "This operation requires the scopes listed in the 'required_scopes' array."
    return ApiError(403, "Insufficient scope", message, required_scopes=list(scopes))


def already_exists(message: str) -> ApiError:
    """Return a 409."""
    return ApiError(409, "Already Exists", message)


def from_status(status: int) -> ApiError:
    """Return the generic error of a status."""
    title, message = _GENERIC.get(status, ("Error", f"The server returned status {status}."))
    return ApiError(status, title, message)


_GENERIC = {
    401: ("Unauthenticated", "The access token is invalid"),
    403: ("Permission Denied", "You do not have permission to access this resource."),
    404: ("Resource Not Found", "The server could not find the requested resource."),
    405: ("Method Not Allowed", "This resource does not support this method."),  # not documented
    409: ("Already Exists", "Hook with this url already exists"),
    424: ("External Calendar Error", "There is a problem accessing your calendar."),
    429: (
        "Too Many Requests",
        "The rate limit is exceeded. Try again when the window ends.",
    ),  # not documented
    500: (
        "Internal Server Error",
        "The server encountered an unexpected condition that prevented it from fulfilling the request.",
    ),
    503: ("Service Unavailable", "The service is not available at the moment."),
}


def not_found() -> ApiError:
    """Return the 404 for an unknown resource or one that the caller may not see."""
    return from_status(404)
