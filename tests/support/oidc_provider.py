"""A small OpenID provider on this machine: it signs in whoever the test says, or goes wrong as it says."""

import base64
import json
import secrets
import threading
import time
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "the-agent"
CLIENT_SECRET = "the-agents-client-secret"


@cache
def _first_key():
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


class OidcProvider:
    """The provider. `claims` are put over those of its ID tokens, and `metadata` over its description."""

    def __init__(self):
        self.email = "ada@acme.example"
        self.claims = {}
        self.metadata = {}
        self.user_info = None
        self.codes = {}
        self.requests = []
        self.is_down = False
        self.key = self.published = _first_key()

    def rotate(self):
        """Sign with a new key from now on."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self.published = self.key

    def consent(self, url):
        """Return the query that the person brings back, having agreed to sign in at this URL."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form, authorization):
        asked = self.codes.pop(form.get("code"), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if (
            asked is None
            or authorization != f"Basic {basic}"
            or form["redirect_uri"] != asked["redirect_uri"]
            or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": self.email,
            "email_verified": True,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid}
        id_token = jwt.encode(header, claims, self.key)
        return 200, {"access_token": "an-access-token", "token_type": "Bearer", "id_token": id_token}

    def description(self):
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **({"userinfo_endpoint": f"{self.url}/me"} if self.user_info else {}),
            **self.metadata,
        }

    def answer(self, method, path, body, authorization):
        self.requests.append(path)
        if self.is_down:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            return 200, self.description()
        if path == "/keys":
            return 200, KeySet([self.published]).as_dict(private=False)
        if path == "/me":
            return (200, self.user_info) if authorization == "Bearer an-access-token" else (401, {})
        if (method, path) == ("POST", "/token"):
            return self.token(dict(parse_qsl(body.decode())), authorization)
        return 404, {}


@contextmanager
def oidc_provider():
    """Run a provider."""
    provider = OidcProvider()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, reply = provider.answer(
                self.command, self.path, body, self.headers.get("Authorization", "")
            )
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self):
            self._serve()

        def do_POST(self):
            self._serve()

        def log_message(self, *_words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield provider
        finally:
            server.shutdown()
