"""The conformance kit's tests of this connector."""

from itertools import count

import pytest
from calendly_connector.testing import (
    EventsSuite,
    ExpectedCall,
    FailingCall,
    ListsSuite,
    LostReply,
    LostReplySuite,
    Subject,
)
from noteboard_connector import connector
from noteboard_server import KEY, Noteboard

WRONG_KEY = "nb_another_key"


class TestNoteboard(ListsSuite, LostReplySuite, EventsSuite):
    @pytest.fixture
    def subject(self):
        numbers = count(1)
        with Noteboard(notes=45) as board:
            yield Subject(
                connector=connector,
                environment={"NOTEBOARD_URL": board.url},
                credential={"kind": "key", "key": KEY},
                bad_credentials=[({"kind": "key", "key": WRONG_KEY}, "Make a new key")],
                user_name="Robin Reader",
                single=ExpectedCall("notes.create", {"text": "Lunch", "color": "blue"}, {"color": "blue"}),
                listing=ExpectedCall("notes.list", total=45),
                invalid_calls=[
                    FailingCall("missing", "notes.create", {}, ("text", "missing")),
                    FailingCall("choice", "notes.create", {"text": "Lunch", "color": "blu"}, ("'blue'",)),
                    FailingCall("unknown", "notes.list", {"aftr": "1"}, ("'after'",)),
                    FailingCall("pattern", "notes.list", {"after": "yesterday"}, ("an id",)),
                ],
                failing_calls=[
                    FailingCall(
                        "down",
                        "notes.list",
                        {},
                        ("503",),
                        retryable=True,
                        arrange=lambda: setattr(board, "failing", 1),
                    )
                ],
                reset=lambda: setattr(board, "failing", 0),
                event_kind="note.created",
                cause_event=lambda: f"note.created:{board.add('Water the plants')['id']}",
                secrets=[KEY.encode(), WRONG_KEY.encode()],
                lost_reply=LostReply(
                    "notes.create",
                    inputs=lambda: {"text": f"Lunch {next(numbers)}"},
                    lose=lambda: setattr(board, "losing", True),
                    writes=lambda: board.writes,
                ),
            )
