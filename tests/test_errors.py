import copy
import inspect
import json
import pickle
import re

import pytest
from calendly_connector import errors
from calendly_connector.errors import (
    AgentDatabaseError,
    AmbiguousMeeting,
    CalendlyDown,
    CalendlyError,
    ConnectorError,
    DestinationError,
    InboxError,
    InvalidCredential,
    InvalidParams,
    NoAnswer,
    NotFound,
    PartlyDone,
    PermissionDenied,
    Problem,
    RateLimited,
    Rejected,
    ResultTooLarge,
    SignatureError,
    SignInFailed,
    SignInRequired,
    SlotTaken,
    TakenOver,
    Unauthenticated,
    UnexpectedAnswer,
    UnknownAction,
    UnknownCredential,
    UsageError,
    VaultError,
)

ANSWERED = {
    "fix": "Do it.",
    "status": 418,
    "request_id": "req-1",
    "details": [{"parameter": "a", "message": "b"}],
}


# One complete example per class; `test_every_class_has_an_example` checks that none is missing.
EXAMPLES: list[ConnectorError] = [
    ConnectorError("It broke.", fix="Do it."),
    UsageError("It broke.", fix="Do it."),
    UnknownAction("It broke.", fix="Do it."),
    InvalidParams("users.me", [Problem("a", "is wrong", "b"), Problem("", "is short")], fix="Do it."),
    AmbiguousMeeting("It broke.", fix="Do it.", candidates=[{"event": "a"}]),
    SlotTaken("It broke.", fix="Do it.", start_time="2026-11-25T08:00:00Z", nearest=[{"start_time": "x"}]),
    PartlyDone("It broke.", fix="Do it.", done=[{"booked": "a"}]),
    InvalidCredential("It broke.", fix="Do it.", outcome="missing_token"),
    CalendlyError("It broke.", **ANSWERED),
    Unauthenticated("It broke.", **ANSWERED),
    PermissionDenied("It broke.", **ANSWERED, reason="scope", required_scopes=("users:read",)),
    NotFound("It broke.", **ANSWERED),
    Rejected("It broke.", **ANSWERED),
    RateLimited("It broke.", **ANSWERED, retry_after_s=7.0),
    CalendlyDown("It broke.", **ANSWERED, may_have_happened=True),
    NoAnswer("It broke.", fix="Do it.", reason="timeout", may_have_happened=True),
    UnexpectedAnswer("It broke.", fix="Do it."),
    SignatureError("It broke.", fix="Do it.", reason="old"),
    InboxError("It broke.", fix="Do it."),
    AgentDatabaseError("It broke.", fix="Do it."),
    DestinationError("It broke.", fix="Do it."),
    TakenOver("It broke.", fix="Do it."),
    ResultTooLarge("It broke.", fix="Do it.", may_have_happened=True),
    UnknownCredential("It broke.", fix="Do it."),
    VaultError("It broke.", fix="Do it.", reason="busy"),
    SignInFailed("It broke.", fix="Do it.", reason="state"),
    SignInRequired("It broke.", fix="Do it.", reason="revoked", credential="work"),
]
COPIES = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - trusted bytes
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}

each_error = pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)


def declared() -> dict[str, type[ConnectorError]]:
    members = vars(errors).values()
    return {
        kind.__name__: kind for kind in members if inspect.isclass(kind) and issubclass(kind, ConnectorError)
    }


def documented_tree() -> dict[str, str | None]:
    """Parse the class tree in the module's docstring: each class with its parent."""
    parents: dict[str, str | None] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"((?:│   |    )*(?:├── |└── )?)([A-Z]\w+)(?:  |$)", line):
            branch[len(match[1]) // 4 :] = [match[2]]
            parents[match[2]] = branch[-2] if len(branch) > 1 else None
    return parents


def test_the_documented_class_tree_matches_the_code():
    real = {
        name: kind.__base__.__name__ if kind is not ConnectorError else None
        for name, kind in declared().items()
    }
    assert documented_tree() == real


def test_every_class_has_an_example():
    assert {type(error) for error in EXAMPLES} == set(declared().values())


def test_every_class_has_its_own_code():
    codes = [kind.code for kind in declared().values()]
    assert sorted(codes) == sorted(set(codes))


@each_error
def test_the_text_is_the_message_then_the_fix(error):
    assert str(error) == f"{error.message} Do it."


def test_text_has_no_trailing_space_without_a_fix():
    assert str(ConnectorError("It broke.")) == "It broke."


@pytest.mark.parametrize(
    "hostile", ["\n", "\r\n", "\x00", "\x1b[2J", "\u2028", "\x85", "\u202e", "\ud800", "\t\t", "\x1c"]
)
def test_text_is_one_line_that_a_terminal_can_show(hostile):
    text = str(Rejected(f"Calendly said a{hostile}b.", fix=f"Do{hostile}it.", status=400))
    assert text.isprintable()
    assert len(text.splitlines()) == 1
    assert text.startswith("Calendly said a")
    assert text.endswith("it.")


@each_error
def test_dict_is_json_with_all_fields(error):
    fields = json.loads(json.dumps(error.to_dict()))
    assert fields["code"] == type(error).code
    assert fields["message"] == error.message
    assert fields["fix"] == "Do it."
    assert fields["retryable"] is error.retryable
    assert vars(error).keys() <= fields.keys()


def test_the_dict_of_invalid_params_lists_problems_as_objects():
    fields = InvalidParams("users.me", [Problem("a", "is wrong", "b")]).to_dict()
    assert fields["action"] == "users.me"
    assert fields["problems"] == [{"path": "a", "message": "is wrong", "nearest": "b"}]


@each_error
@pytest.mark.parametrize("copy_", COPIES.values(), ids=COPIES)
def test_copy_keeps_every_field(error, copy_):
    twin = copy_(error)
    assert twin is not error
    assert type(twin) is type(error)
    assert vars(twin) == vars(error)
    assert twin.args == error.args
    assert str(twin) == str(error)
    assert twin.to_dict() == error.to_dict()


def test_errors_do_not_share_mutable_fields():
    first, second = Rejected("a", status=400), Rejected("b", status=400)
    first.details.append({"message": "x"})
    assert second.details == []


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RateLimited("x", status=429), True),
        (CalendlyDown("x", status=500), True),
        (NoAnswer("x", reason="dns"), True),
        (NoAnswer("x", reason="timeout", may_have_happened=True), False),
        (Rejected("x", status=400), False),
        (Unauthenticated("x", status=401), False),
        (PermissionDenied("x", status=403), False),
        (UnexpectedAnswer("x"), False),
        (SignatureError("x"), False),
        (UnknownAction("x"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_temporary_errors_are_retryable(error, again):
    assert error.retryable is again


def test_optional_fields_have_neutral_defaults():
    denied, limited, down = (kind("x", status=500) for kind in (PermissionDenied, RateLimited, CalendlyDown))
    assert (denied.reason, denied.required_scopes) == ("other", ())
    assert limited.retry_after_s is None
    assert down.may_have_happened is False
    assert NoAnswer("x", reason="dns").may_have_happened is False
    assert InvalidCredential("x").outcome == "malformed_token"


def test_a_problem_is_immutable_and_hashable():
    problem = Problem("a", "b")
    with pytest.raises(AttributeError):
        problem.path = "c"
    assert {problem, Problem("a", "b"), Problem("a", "c")} == {Problem("a", "c"), problem}


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("count", "must be a whole number"), "count: must be a whole number"),
        (Problem("statu", "is unknown", "status"), "statu: is unknown (did you mean 'status'?)"),
        (Problem("", "give one of a, b"), "give one of a, b"),
        (Problem("", "is unknown", "a"), "is unknown (did you mean 'a'?)"),
    ],
)
def test_a_problem_as_text(problem, text):
    assert str(problem) == text


def test_invalid_params_lists_all_problems_in_one_sentence():
    error = InvalidParams("users.me", [Problem("a", "is missing"), Problem("b", "must be text")])
    assert str(error) == "users.me: a: is missing; b: must be text."
