"""Shelf, an invented library service in memory: the application that `another_connector` connects to."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

KEY = "shelf_the_key_of_robin"
SIGNING_KEY = "the-signing-key-of-robin"
CLIENT = {"client_id": "a-web-host", "client_secret": "the-secret-of-the-web-host"}
SCOPES = frozenset({"books:read", "loans:read", "loans:write", "webhooks:read", "webhooks:write"})
PAGE = 100  # the most records of a page

_ME = {"uri": "https://api.shelf.example/readers/1", "name": "Robin Reader", "email": "robin@shelf.example"}
_BRANCHES = {"central": "Central library", "harbour": "Harbour branch"}


class Refused(Exception):
    """An error reply."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class ReplyLost(Exception):
    """The connection broke after the request was carried out."""


class Shelf:
    """The service. `writes` counts the changes that it carried out."""

    def __init__(self, clock=time.time):
        self._clock = clock
        self._books = _BOOKS
        self._loans = []
        self._webhooks = []
        self._tokens = {KEY: SCOPES}
        self._codes = {}
        self._refresh_tokens = {}
        self._issued = 0
        self._failing = 0
        self._losing = False
        self.writes = 0

    def fail(self, times):
        """Answer the next `times` requests with status 503."""
        self._failing = times

    def lose_reply(self):
        """Carry the next write out, but don't reply."""
        self._losing = True

    def lend(self):
        """Lend a book, as a person at the desk would. Returns the loan."""
        return self._lend({"book": self._books[0]["uri"], "reader": {"email": "desk@shelf.example"}})

    # The API

    def handle(self, method, path, token, values):
        """Answer a request with a record or a page of records."""
        if self._failing:
            self._failing -= 1
            raise Refused(503, "Shelf is being repaired")
        scopes = self._tokens.get(token)
        if scopes is None:
            raise Refused(401, "unknown or expired key")
        resource, _, number = path.strip("/").partition("/")
        scope = f"{resource}:{'read' if method == 'GET' else 'write'}"
        if resource not in {"me", "branches"} and scope not in scopes:
            raise Refused(403, f"needs {scope}")
        handler = getattr(self, f"_{method.lower()}_{resource}", None)
        if handler is None:
            raise Refused(404, f"no resource at {path}")
        reply = handler(number, values)
        if method != "GET":
            self.writes += 1
            if self._losing:
                self._losing = False
                raise ReplyLost
        return reply

    def _get_me(self, _number, _values):
        return _ME

    def _get_branches(self, _number, values):
        branches = [{"uri": _branch(name), "name": title} for name, title in _BRANCHES.items()]
        return _page(branches, values)

    def _get_books(self, number, values):
        if number:
            return _find(self._books, number)
        chosen = {key: values[key] for key in ("branch", "status") if key in values}
        found = [book for book in self._books if chosen.items() <= book.items()]
        return _page(found, values, "title")

    def _get_loans(self, number, values):
        if number:
            return _find(self._loans, number)
        since = values.get("created_since", "")
        return _page([loan for loan in self._loans if loan["created_at"] >= since], values)

    def _post_loans(self, _number, values):
        return self._lend(values)

    def _delete_loans(self, number, _values):
        # Returning a book twice is not an error.
        self._loans = [loan for loan in self._loans if not loan["uri"].endswith(f"/{number}")]

    def _get_webhooks(self, _number, values):
        return _page(self._webhooks, values)

    def _post_webhooks(self, _number, values):
        if not values.get("signing_key"):
            raise Refused(400, "signing_key is missing")
        known = {key: value for key, value in values.items() if key != "signing_key"}
        webhook = {"uri": f"https://api.shelf.example/webhooks/{len(self._webhooks) + 1}", **known}
        self._webhooks.append(webhook)
        return webhook

    def _delete_webhooks(self, number, _values):
        self._webhooks.remove(_find(self._webhooks, number))

    def _lend(self, values):
        book = _find(self._books, values["book"].rpartition("/")[2])
        loan = {
            "uri": f"https://api.shelf.example/loans/{len(self._loans) + 1}",
            "book": book["uri"],
            "branch": book["branch"],
            "reader": {"name": "", **values["reader"]},
            "due_on": values.get("due_on"),
            "reminders": values.get("reminders", []),
            "created_at": datetime.fromtimestamp(self._clock(), UTC).isoformat(),
        }
        self._loans.append(loan)
        return loan

    # Signing in

    def consent(self, url):
        """Allow what the page at `url` asks for, as a person would. Returns the URL they are sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = self._new("code")
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def grant(self, form):
        """Answer a request of a client for tokens."""
        if {name: form.get(name) for name in CLIENT} != CLIENT:
            raise Refused(401, "unknown client")
        if form["grant_type"] == "refresh_token":
            scopes = self._refresh_tokens.pop(form["refresh_token"], None)
        else:
            asked = self._codes.pop(form["code"], None)
            scopes = None
            if asked and asked["code_challenge"] == challenge(form["code_verifier"]):
                scopes = SCOPES & set(asked["scope"].split())
        if scopes is None:
            raise Refused(400, "the code or token was used already, or is of another sign-in")
        access, refresh = self._new("access"), self._new("refresh")
        self._tokens[access] = scopes
        self._refresh_tokens[refresh] = scopes
        return {"access_token": access, "refresh_token": refresh}

    def revoke(self, token):
        """Make a token invalid, as its expiry does."""
        self._tokens.pop(token, None)
        self._refresh_tokens.pop(token, None)

    def _new(self, kind):
        self._issued += 1
        return f"secret-{kind}-{self._issued}"


def challenge(verifier):
    """Return PKCE's S256 challenge for a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sign(body, key=SIGNING_KEY):
    """Return the signature of a webhook's body."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def message(loan):
    """Return the body of the webhook about a loan."""
    return json.dumps({"event": "loan.created", "at": loan["created_at"], "loan": loan}).encode()


def _branch(name):
    return f"https://api.shelf.example/branches/{name}"


def _book(branch, number, title, status):
    uri = f"https://api.shelf.example/books/{branch}-{number}"
    return {"uri": uri, "title": title, "branch": _branch(branch), "status": status}


_BOOKS = [
    _book("central", number, f"Volume {number}", "lent" if number % 5 == 0 else "available")
    for number in range(1, 251)
] + [_book("harbour", number, f"Chart {number}", "available") for number in range(1, 4)]


def _find(records, number):
    for record in records:
        if record["uri"].endswith(f"/{number}"):
            return record
    raise Refused(404, f"nothing has the number {number!r}")


def _page(records, values, label="name"):
    """Return a page of the records whose label contains the text to search, and the next page's token."""
    text = str(values.get("search", "")).casefold()
    found = [record for record in records if text in str(record.get(label, "")).casefold()]
    start, size = int(values.get("page_token") or 0), min(values.get("count") or 20, PAGE)
    end = start + size
    return {"records": found[start:end], "next_page_token": str(end) if end < len(found) else None}
