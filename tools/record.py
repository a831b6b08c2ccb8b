"""Record an action: its requests and replies become a cassette, which the tests replay.

A cassette shows where it was made: host 127.0.0.1 is the sandbox, api.calendly.com is Calendly itself.
It holds no token and no person, and only the headers of an allow-list.
"""

import json
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import click
from calendly_connector.auth.credentials import credential_source, find_credential
from calendly_connector.catalog.manifest import catalog, find
from calendly_connector.cli.options import key_values
from calendly_connector.cli.terminal import printable
from calendly_connector.errors import ConnectorError, UsageError
from calendly_connector.plugin import connector
from calendly_connector.support.redaction import redact, scrub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import vcr
    from calendly_connector.catalog.models import Action
    from calendly_connector.plugin import CalendlyConnection

CASSETTES: Final = Path(__file__).parent.parent / "tests" / "cassettes"

NOW: Final = datetime(2026, 11, 17, 9, tzinfo=UTC)
_OWNER: Final = {"kind": "personal_access_token", "token": "sandbox-owner"}
_REQUEST_HEADERS: Final = frozenset({"accept", "content-type"})
_REPLY_HEADERS: Final = frozenset(
    {"content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)


@click.command()
@click.argument("action", required=False)
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--live", is_flag=True, help="Record Calendly itself, with the token in CALENDLY_API_TOKEN.")
@click.option("--to", "folder", default=CASSETTES, type=Path, help="Default: tests/cassettes.")
def main(action: str | None, rows: tuple[str, ...], *, live: bool, folder: Path) -> None:
    """Record ACTION with the given inputs or those of its example. Without ACTION, record all actions.

    With --live, all means those of one request: a recipe may need what another one has changed.

    By default each action is recorded in a new sandbox whose clock stands still, so recordings stay the same.
    """
    try:
        actions = [find(action)] if action else _deletions_last(recipes=not live)
        for entry in actions:
            with _calendly() if live else _sandbox() as connection:
                click.echo(record(connection, entry, rows, folder))
    except UsageError as error:
        raise click.UsageError(printable(redact(str(error)))) from None
    except ConnectorError as error:
        raise click.ClickException(printable(redact(str(error)))) from None


def record(connection: "CalendlyConnection", action: "Action", rows: tuple[str, ...], folder: Path) -> Path:
    """Record one action; return the path of the cassette. An older cassette is replaced."""
    path = folder / f"{action.id}.yaml"
    inputs = None if rows else action.examples[0]["input"]
    path.unlink(missing_ok=True)
    with recorder("all").use_cassette(str(path)):
        connection.run(action.id, inputs, filter=key_values(rows))
    return path


def _deletions_last(*, recipes: bool) -> "list[Action]":
    """Return all actions in an order in which no action needs what another has deleted."""
    order = ("read", "write", "destroy")
    actions = [action for action in catalog().values() if recipes or not action.recipe]
    return sorted(actions, key=lambda action: order.index(action.effect))


@contextmanager
def _sandbox() -> "Iterator[CalendlyConnection]":
    from calendly_connector.sandbox.server import Sandbox

    with (
        Sandbox(public_origin=True, check_replies=True, clock=NOW.timestamp) as sandbox,
        closing(connector.connect(_OWNER, origin=sandbox.url, clock=NOW.timestamp)) as connection,
    ):
        yield connection


def _calendly() -> "closing[CalendlyConnection]":
    credential = find_credential()
    return closing(connector.connect(credential, source=credential_source(credential)))


def recorder(mode: str) -> "vcr.VCR":
    """Return vcrpy set up for our cassettes; mode `none` only replays. Raises UsageError without vcrpy."""
    try:
        import vcr
    except ImportError:
        raise UsageError("Recording needs vcrpy.", fix="pip install 'calendly-connector[record]'") from None
    return vcr.VCR(
        record_mode=vcr.mode(mode),
        match_on=["method", "path", "query", "raw_body"],
        before_record_request=_clean_request,
        before_record_response=_clean_reply,
        decode_compressed_response=True,
    )


def _clean_request(request: Any) -> Any:
    parts = urlsplit(request.uri)
    query = urlencode([(name, scrub(value, name)) for name, value in parse_qsl(parts.query)])
    request.uri = urlunsplit(parts._replace(netloc=parts.hostname or "", query=query))
    request.headers = _kept(request.headers, _REQUEST_HEADERS)
    if request.body:
        request.body = json.dumps(scrub(json.loads(request.body))).encode()
    return request


def _clean_reply(reply: dict[str, Any]) -> dict[str, Any]:
    body = reply["body"]["string"]
    if body:
        body = json.dumps(scrub(json.loads(body)), indent=1).encode()
    return {**reply, "headers": _kept(reply["headers"], _REPLY_HEADERS), "body": {"string": body}}


def _kept(headers: "Mapping[str, Any]", names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() in names}


if __name__ == "__main__":
    main()
