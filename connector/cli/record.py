"""`calendly-connector record`: recordings of actions, for tests that replay them.

A recording tells where it was made: host 127.0.0.1 is the sandbox, api.calendly.com is Calendly itself.
It holds no token and no person, and of the reply's headers only those of an allow-list.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import click

from ..catalog.manifest import catalog, find
from ..catalog.models import Action
from ..errors import UsageError
from ..support.redaction import scrub
from .options import connect, key_values, signs_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    import vcr

_REQUEST_HEADERS = frozenset({"accept", "content-type"})
_REPLY_HEADERS = frozenset(
    {"content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)


@click.command("record")
@click.argument("action", required=False)
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@signs_in
@click.option("--to", "folder", default="tests/cassettes", show_default=True, help="Where the recordings go.")
def command(action: str | None, rows: tuple[str, ...], folder: str) -> None:
    """Record an action with the given inputs, or with those of its example; without ACTION, all of them."""
    chosen = [find(action)] if action else list(catalog().values())
    # What is read must still be there: what destroys comes last.
    for entry in sorted(chosen, key=lambda entry: ("read", "write", "destroy").index(entry.effect)):
        _record(entry, rows, Path(folder))
        click.echo(f"{folder}/{entry.id}.yaml")


def _record(action: Action, rows: tuple[str, ...], folder: Path) -> None:
    path = folder / f"{action.id}.yaml"
    params = None if rows else action.examples[0]["input"]
    path.unlink(missing_ok=True)
    with connect() as connection, recorder("all").use_cassette(str(path)):
        connection.run(action.id, params, filter=key_values(rows))


def recorder(mode: str) -> "vcr.VCR":
    """Give vcrpy set up as our recordings need it; mode `none` only replays."""
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
