"""A small web app in which each visitor connects a Calendly account. It needs no web framework.

Create a web app in Calendly's developer console with the redirect URI http://localhost:8000/callback, and run
it with CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET: `python web_sign_in.py credentials.db`. In production,
put it behind a server that speaks HTTPS, and set CALENDLY_REDIRECT_URI to its own address.
"""

import json
import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from dataclasses import asdict
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from secrets import token_urlsafe
from urllib.parse import urlsplit

from calendly_connector.contract import SignInRequest
from calendly_connector.errors import ConnectorError, UnknownCredential

USES = ("scheduled_events.list", "invitee.created")  # the actions and triggers that the app needs
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
CONNECT = "<form method=post action=/start><button>Connect Calendly</button></form>"
DISCONNECT = "<form method=post action=/sign-out><button>Disconnect</button></form>"
connector = entry_points(group="integration_platform.connectors")["calendly"].load()


class SqliteStore:
    """A CredentialStore. It keeps the tokens in plain text: encrypt them, or use the connector's vault."""

    def __init__(self, path):
        self.path = path
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS credentials (name TEXT PRIMARY KEY, fields TEXT NOT NULL)")

    def get(self, name):
        with closing(sqlite3.connect(self.path)) as db:
            row = db.execute("SELECT fields FROM credentials WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise UnknownCredential("This account isn't connected.", fix="Connect it.")
        return json.loads(row[0])

    def put(self, name, credential):
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute("REPLACE INTO credentials VALUES (?, ?)", (name, json.dumps(dict(credential))))

    @contextmanager
    def lock(self, name, *, timeout_s=60.0):  # noqa: ARG002 - one lock for all names is enough here
        with closing(sqlite3.connect(f"{self.path}.lock", timeout=timeout_s, isolation_level=None)) as db:
            try:
                db.execute("BEGIN EXCLUSIVE")  # ends with this connection, even if the process is killed
            except sqlite3.OperationalError:
                raise TimeoutError from None
            yield


class WebApp(ThreadingHTTPServer):
    def __init__(self, app, store, port):
        super().__init__(("127.0.0.1", port), Handler)
        self.app, self.store, self.sessions = app, store, {}  # a real app lets sessions expire


class Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds to wait for a slow browser

    def do_GET(self):
        back = urlsplit(self.server.app["redirect_uri"]).path
        self.answer({"/": self.show, back: self.callback})

    def do_POST(self):  # without a session from the pages of other sites, because of SameSite
        self.answer({"/start": self.start, "/sign-out": self.sign_out})

    def answer(self, pages):
        cookie = SimpleCookie(self.headers.get("Cookie")).get("session")
        self.session = cookie.value if cookie else ""  # the visitor only gets this id
        self.kept = self.server.sessions.get(self.session, {})
        try:
            pages.get(urlsplit(self.path).path, lambda: self.send(404, "Page not found."))()
        except ConnectorError as error:
            self.send(400, escape(str(error)) + CONNECT)

    def start(self):
        request = connector.oauth().authorize(self.server.app, uses=USES)
        self.redirect(request.url, request=json.dumps(asdict(request)))

    def callback(self):
        if "request" not in self.kept:
            return self.send(400, "No sign-in has begun in this browser." + CONNECT)
        request = SignInRequest(**json.loads(self.kept["request"]))
        returned = f"{request.redirect_uri}?{urlsplit(self.path).query}"
        credential = connector.oauth().exchange(self.server.app, request, returned)
        with self.server.store.lock(credential["owner"]):
            self.server.store.put(credential["owner"], credential)
        return self.redirect("/", name=credential["owner"])

    def show(self):
        if "name" not in self.kept:
            return self.send(200, "Not connected." + CONNECT)
        stored, source = {"kind": "stored", "name": self.kept["name"]}, "your account in this app"
        with connector.connect(stored, store=self.server.store, source=source) as connection:
            report = connection.check()
        granted = ", ".join(scope for scope, state in report.scopes.items() if state == "granted")
        lines = (report.message, report.fix, f"Granted scopes: {granted}.")
        return self.send(200, "<br>".join(map(escape, lines)) + CONNECT + DISCONNECT)

    def sign_out(self):
        if name := self.kept.get("name"):
            with self.server.store.lock(name):
                self.server.store.put(name, connector.oauth().revoke(self.server.store.get(name)))
        self.redirect("/")

    def redirect(self, url, **kept):
        """Redirect to a URL, with a new session: nobody else knows its id."""
        self.server.sessions.pop(self.session, None)
        self.server.sessions[session := token_urlsafe()] = kept
        secure = "; Secure" if self.server.app["redirect_uri"].startswith("https:") else ""
        cookie = f"session={session}; Path=/; HttpOnly; SameSite=Lax{secure}"
        self.send(303, "", {"Location": url, "Set-Cookie": cookie})

    def send(self, status, content, headers=()):
        page = f"<!DOCTYPE html><html lang=en><title>Calendly</title>{content}".encode()
        self.send_response(status)
        for key, value in {**HEADERS, "Content-Length": str(len(page)), **dict(headers)}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        """Log nothing: the URL of a callback contains a code."""


if __name__ == "__main__":
    app = {
        "kind": "oauth",
        "client_id": os.environ["CALENDLY_CLIENT_ID"],
        "client_secret": os.environ["CALENDLY_CLIENT_SECRET"],
        "redirect_uri": os.environ.get("CALENDLY_REDIRECT_URI", "http://localhost:8000/callback"),
    }
    WebApp(app, SqliteStore(sys.argv[1]), 8000).serve_forever()
