"""The sandbox against the reference OpenAPI file: no server errors, and all replies match their schema.

Operations that the sandbox doesn't serve yet are skipped; `test_drift.py` reports them.

schemathesis generates the requests from the file, not from our schemas, so only the sandbox and the file
are compared.
"""

import pytest
import schemathesis
from calendly_connector.sandbox.operations.routes import ROUTES
from endurance import rounds
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from openapi import REFERENCE, unnamed

SERVED = {f"{route.method} {unnamed(route.template)}" for route in ROUTES}
API = schemathesis.openapi.from_path(REFERENCE).include(
    lambda context: f"{context.operation.method.upper()} {unnamed(context.operation.path)}" in SERVED
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
MANY = settings(
    max_examples=rounds(50, 150), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
# Without schemathesis' own cases of every constraint, which are the explicit ones: these are 4,500 requests.
FEW = settings(MANY, max_examples=8, phases=set(Phase) - {Phase.explicit})
FRAMING = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
}


@pytest.fixture(scope="module")
def own_sandbox():
    """Run a sandbox whose world these tests may change."""
    from calendly_connector.sandbox.server import Sandbox

    with Sandbox(public_origin=True, check_replies=True, rate_limit=0) as running:
        yield running


def _check(case, sandbox):
    # Generated framing headers are invalid HTTP; the server's parser rejects them before the sandbox.
    for name in [name for name in case.headers if name.lower() in FRAMING]:
        del case.headers[name]
    case.call_and_validate(
        base_url=sandbox.url,
        headers={"Authorization": "Bearer sandbox-owner"},
        checks=CHECKS,
    )


@API.parametrize()
@FEW
def test_every_operation_replies_in_its_documented_shape(case, own_sandbox):
    _check(case, own_sandbox)


@pytest.mark.long
@API.parametrize()
@MANY
def test_every_operation_replies_in_its_documented_shape_to_any_request(case, own_sandbox):
    _check(case, own_sandbox)
