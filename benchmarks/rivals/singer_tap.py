"""The organization's scheduled events as a Singer tap."""

from typing import Any

from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import JSONPathPaginator


class ScheduledEvents(RESTStream):
    """The whole list; the schema contains only the key, so the SDK has the least work."""

    name = "scheduled_events"
    path = "/scheduled_events"
    primary_keys = ("uri",)
    records_jsonpath = "$.collection[*]"
    schema = th.PropertiesList(
        th.Property("uri", th.StringType, required=True), additional_properties=True
    ).to_dict()

    @property
    def url_base(self) -> str:
        """The URL of the API."""
        return self.config["api_url"]

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """The personal access token."""
        return BearerTokenAuthenticator(token=self.config["api_token"])

    def get_new_paginator(self) -> JSONPathPaginator:
        """Follow the page tokens."""
        return JSONPathPaginator("$.pagination.next_page_token")

    def get_url_params(self, context: Any, next_page_token: str | None) -> dict[str, Any]:  # noqa: ARG002
        """Ask for full pages."""
        return {"organization": self.config["organization"], "count": 100, "page_token": next_page_token}


class TapCalendly(Tap):
    """One stream."""

    name = "tap-calendly"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("api_token", th.StringType, required=True, secret=True),
        th.Property("organization", th.StringType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        """Return the stream."""
        return [ScheduledEvents(self)]


if __name__ == "__main__":
    TapCalendly.cli()
