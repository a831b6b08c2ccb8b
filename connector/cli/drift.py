"""`calendly-connector drift`: what changed between an OpenAPI file of Calendly and our declarations."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from .. import drift
from ..catalog.manifest import catalog
from ..errors import NoAnswer, UsageError
from .terminal import printable

_LARGEST = 20 * 1024 * 1024  # bytes
_TIMEOUT_S = 30


@click.command("drift")
@click.argument("spec")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def command(spec: str, *, as_json: bool) -> int:
    """Compare SPEC, the path or https address of an OpenAPI file of Calendly, with what is declared here."""
    leniencies = [drift.Leniency(**entry) for entry in _parsed(_lenient())]
    differences, unused = drift.compare(_spec(spec), catalog().values(), leniencies)
    if as_json:
        told = {
            "differences": [asdict(one) for one in differences],
            "unused": [asdict(one) for one in unused],
        }
        click.echo(json.dumps(told, indent=2))
    else:
        for line in (
            *map(str, differences),
            *(f"leniency of nothing: {one.where}: {one.facet}" for one in unused),
        ):
            click.echo(printable(line))
        click.echo(f"{len(differences)} difference(s), {len(leniencies) - len(unused)} leniencies used")
    return 1 if differences or unused else 0


def _spec(source: str) -> dict[str, Any]:
    spec = _parsed(_fetched(source) if "://" in source else _read(source))
    if not isinstance(spec, dict) or not isinstance(spec.get("paths"), dict):
        raise UsageError(f"{source} is no OpenAPI file: it has no paths.")
    return spec


def _read(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}.") from None


def _fetched(address: str) -> bytes:
    """Fetch a file without any credential: this is not the API."""
    if not address.startswith("https://"):
        raise UsageError("The address of an OpenAPI file must begin with https://.")
    try:
        with urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - https alone, see above
            body: bytes = answer.read(_LARGEST + 1)
    except (URLError, OSError, ValueError):
        raise NoAnswer(f"{address} could not be read.", fix="Check the address.", reason="broken") from None
    if len(body) > _LARGEST:
        raise UsageError(f"{address} is larger than 20 MiB.")
    return body


def _lenient() -> bytes:
    return files((__package__ or "").rpartition(".")[0]).joinpath("leniency.yaml").read_bytes()


def _parsed(text: bytes) -> Any:
    import yaml

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, RecursionError):
        raise UsageError("The file is neither YAML nor JSON.") from None
