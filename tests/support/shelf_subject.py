"""Shelf and its connector as a test subject of the conformance kit."""

from contextlib import contextmanager
from secrets import token_urlsafe

import shelf_application
from another_connector import SIGNATURE, ShelfConnector
from calendly_connector.testing import Delivery, ExpectedCall, FailingCall, LostReply, SignIn, Subject

_BOOKS = "https://api.shelf.example/books"
_WRONG_KEY = "shelf_a_wrong_key"
_APP = {"kind": "oauth", **shelf_application.CLIENT, "redirect_uri": "https://flows.acme.example/callback"}


@contextmanager
def shelf(make=ShelfConnector):
    """Yield a connector for a new Shelf as a test subject."""
    library = shelf_application.Shelf()
    missing = {"book": f"{_BOOKS}/central-0"}
    credential = {
        "kind": "key",
        "key": shelf_application.KEY,
        "signing_key": shelf_application.SIGNING_KEY,
    }

    def event_id(loan):
        return f"loan.created:{loan['uri']}"

    def expire(signed_in):
        library.revoke(signed_in["access_token"])
        return signed_in

    def deliver():
        loan = library.lend()
        body = shelf_application.message(loan)
        return Delivery({SIGNATURE: shelf_application.sign(body)}, body, credential, event_id(loan))

    def new_loan():
        reader = {"email": f"{token_urlsafe(6)}@client.example"}
        return {"book": f"{_BOOKS}/harbour-1", "reader": reader}

    yield Subject(
        connector=make(library),
        environment={},
        credential=credential,
        bad_credentials=[({"kind": "key", "key": _WRONG_KEY}, "Shelf answered 401")],
        user_name="Robin Reader",
        single=ExpectedCall("readers.me", record={"name": "Robin Reader"}),
        listing=ExpectedCall("books.list", total=253),
        invalid_calls=[
            FailingCall("unknown_input", "books.get", {"boook": "x"}, ("boook", "book")),
            FailingCall("invalid_value", "books.list", {"status": "availble"}, ("available",)),
        ],
        failing_calls=[
            FailingCall("missing", "books.get", missing, ("404",)),
            FailingCall(
                "down", "books.get", missing, ("503",), retryable=True, arrange=lambda: library.fail(1)
            ),
        ],
        reset=lambda: library.fail(0),
        event_kind="loan.created",
        cause_event=lambda: event_id(library.lend()),
        secrets=[
            text.encode() for text in (shelf_application.KEY, _WRONG_KEY, shelf_application.SIGNING_KEY)
        ],
        sign_in=SignIn(_APP, library.consent, expire),
        lost_reply=LostReply("loans.create", new_loan, library.lose_reply, lambda: library.writes),
        deliver=deliver,
    )
