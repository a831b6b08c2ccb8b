"""The suite for credentials that need a sign-in by OAuth."""

import json
from dataclasses import asdict
from urllib.parse import parse_qs, urlsplit

import pytest

from ..contract import Connector
from ..errors import SignInFailed, UnknownAction
from .connection_suite import UNKNOWN, Connect, ConnectionSuite
from .kept_credentials import KeptCredentials
from .parts import needed
from .subject import SignIn, Subject


class SignInSuite(ConnectionSuite):
    """A host's own pages can sign people in, and its own store can keep the tokens."""

    def test_a_sign_in_asks_for_what_its_uses_need(self, connector: Connector, subject: Subject) -> None:
        sign_in = needed(subject.sign_in, "sign_in")
        oauth = connector.oauth(sign_in.credential["kind"])
        uses = [*connector.actions(), *connector.manifest.triggers]
        request = oauth.authorize(sign_in.credential, uses=uses)
        query = parse_qs(urlsplit(request.url).query)
        assert request.state, "the sign-in has no state"
        assert query.get("state") == [request.state], "the address doesn't carry the state"
        assert query.get("code_challenge_method") == ["S256"], "the address has no PKCE challenge (S256)"
        assert query.get("redirect_uri") == [request.redirect_uri]
        asked = " ".join(query.get("scope", [])).split()
        assert set(oauth.required_scopes(uses)) <= set(asked), (
            "it doesn't ask for the scopes that the uses need"
        )
        assert oauth.authorize(sign_in.credential, uses=uses).state != request.state, (
            "two sign-ins share a state"
        )
        with pytest.raises(UnknownAction):
            oauth.required_scopes([UNKNOWN])

    def test_a_sign_in_keeps_its_secrets(self, connector: Connector, subject: Subject) -> None:
        sign_in = needed(subject.sign_in, "sign_in")
        request = connector.oauth(sign_in.credential["kind"]).authorize(sign_in.credential)
        assert request.verifier
        assert request.verifier not in request.url, "the address has the PKCE verifier"
        assert request.verifier not in repr(request), "the request shows its verifier"
        assert json.loads(json.dumps(asdict(request))), "a web session can't keep the request"

    def test_signing_in_leads_to_a_credential_that_works(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        sign_in = needed(subject.sign_in, "sign_in")
        signed_in = _signed_in(connector, sign_in)
        with connect(signed_in) as connection:
            report = connection.check()
            shown = f"{connection!r} {report!r}"
        assert report.ok, report.message
        added = signed_in.keys() - sign_in.credential.keys()
        drawn = {field.path for field in connector.manifest.credentials[signed_in["kind"]].fields}
        assert not added & drawn, f"the form asks for what the sign-in fills in: {', '.join(added & drawn)}"
        tokens = [signed_in[name] for name in added if name.endswith("token")]
        assert not any(token in shown for token in tokens), "a report or repr has a token"

    def test_a_redirect_of_another_sign_in_is_rejected(self, connector: Connector, subject: Subject) -> None:
        sign_in = needed(subject.sign_in, "sign_in")
        oauth = connector.oauth(sign_in.credential["kind"])
        uses = list(connector.actions())
        mine, other = (oauth.authorize(sign_in.credential, uses=uses) for _ in range(2))
        with pytest.raises(SignInFailed):
            oauth.exchange(sign_in.credential, mine, sign_in.consent(other.url))

    def test_refreshing_and_revoking_replace_the_tokens(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        sign_in = needed(subject.sign_in, "sign_in")
        oauth = connector.oauth(sign_in.credential["kind"])
        signed_in = _signed_in(connector, sign_in)
        refreshed = oauth.refresh(signed_in)
        assert refreshed != signed_in
        with connect(refreshed) as connection:
            assert connection.check().ok
        revoked = oauth.revoke(refreshed)
        gone = {name for name in refreshed.keys() - revoked.keys() if name.endswith("token")}
        assert gone, "the credential still has its tokens"
        with connect(revoked) as connection:
            assert not connection.check().ok

    def test_refreshed_tokens_are_stored_under_the_lock(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        sign_in = needed(subject.sign_in, "sign_in")
        expired = dict(sign_in.expire(_signed_in(connector, sign_in)))
        store = KeptCredentials({"app": expired})
        with connect({"kind": "stored", "name": "app"}, store=store) as connection:
            assert connection.check().ok
        assert store.get("app") != expired, "the new tokens weren't stored"
        assert store.put_without_lock == [], "the tokens were stored without the lock"


def _signed_in(connector: Connector, sign_in: SignIn) -> dict[str, str]:
    """Return a credential with the tokens of a new sign-in for everything."""
    oauth = connector.oauth(sign_in.credential["kind"])
    request = oauth.authorize(sign_in.credential, uses=list(connector.actions()))
    return oauth.exchange(sign_in.credential, request, sign_in.consent(request.url))
