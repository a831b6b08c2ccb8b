"""The errors of OAuth, as RFC 6749 names them and the documentation lists them. Pure."""


class OAuthError(Exception):
    """An answer other than success: HTTP status, error code and a sentence."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    @property
    def body(self) -> dict[str, str]:
        """The JSON body, which is also what an app is told by redirection."""
        return {"error": self.error, "error_description": self.description}


def invalid_request(description: str) -> OAuthError:
    """400: something is missing, given twice or of the wrong form."""
    return OAuthError("invalid_request", description)


def invalid_client() -> OAuthError:
    """401: nobody knows this app, or it did not prove who it is."""
    return OAuthError(
        "invalid_client", "The client is unknown, or its credentials are missing or wrong.", status=401
    )


def invalid_grant() -> OAuthError:
    """400: one sentence for every reason, so that an app cannot tell them apart here either."""
    return OAuthError(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, or was issued to another client.",
    )
