"""OAuth errors, as named in RFC 6749 and Calendly's documentation. Pure."""


class OAuthError(Exception):
    """An OAuth error: HTTP status, error code and description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    @property
    def body(self) -> dict[str, str]:
        """The JSON body; also the parameters of a redirect to the app."""
        return {"error": self.error, "error_description": self.description}


def invalid_request(description: str) -> OAuthError:
    """Return a 400 for a missing, repeated or malformed parameter."""
    return OAuthError("invalid_request", description)


def invalid_client() -> OAuthError:
    """Return the 401 for an unknown app or wrong credentials."""
    return OAuthError(
        "invalid_client", "The client is unknown, or its credentials are missing or wrong.", status=401
    )


def invalid_grant() -> OAuthError:
    """Return the 400 for an invalid code or refresh token; like Calendly's, it doesn't say why."""
    return OAuthError(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, or was issued to another client.",
    )
