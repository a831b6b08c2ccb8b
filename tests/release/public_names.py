"""Uses every public name as a host does. Type checkers read it against the wheel; nothing runs it."""

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type

import calendly_connector
import pytest
from calendly_connector import (
    ActionGroup,
    ActionInfo,
    AgentDatabaseError,
    AmbiguousMeeting,
    CalendlyConnection,
    CalendlyConnector,
    CalendlyDown,
    CalendlyError,
    CallOptions,
    CheckReport,
    Column,
    Connection,
    Connector,
    ConnectorError,
    CredentialKind,
    CredentialStore,
    DestinationError,
    Dispatcher,
    Event,
    Field,
    Forwarder,
    FunctionInfo,
    Icon,
    Inbox,
    InboxError,
    InvalidCredential,
    InvalidParams,
    LookUp,
    ManifestInfo,
    NoAnswer,
    NotFound,
    OAuth,
    Option,
    OptionPage,
    OutputField,
    PartlyDone,
    PermissionDenied,
    Plain,
    Polled,
    PreparedCall,
    Problem,
    RateLimit,
    RateLimited,
    Receiver,
    Records,
    RedactingFilter,
    Rejected,
    Result,
    ResultTooLarge,
    Settled,
    SignatureError,
    SignInFailed,
    SigningKeys,
    SignInRequest,
    SignInRequired,
    SlotTaken,
    Subscription,
    Subscriptions,
    SubscriptionState,
    SubscriptionStore,
    TakenOver,
    Timeouts,
    Trigger,
    TriggerInfo,
    Unauthenticated,
    UnexpectedAnswer,
    UnknownAction,
    UnknownCredential,
    UsageError,
    VaultError,
    VaultStore,
    Verdict,
    WebhookResponse,
    asgi,
    connector,
    errors,
    open_inbox,
    open_vault,
    reconcile,
    sign,
    signer_of,
    wsgi,
)
from calendly_connector.contract import Ability, Effect, FieldType, Filter, Outcome, Params, Record, Returns
from calendly_connector.testing import (
    CatalogSuite,
    CheckOutcome,
    ConnectionSuite,
    ConnectorSuite,
    Delivery,
    EventsSuite,
    ExpectedCall,
    FailingCall,
    Failure,
    FormField,
    FormHost,
    FormSuite,
    Host,
    HostSuite,
    ListsSuite,
    LostReply,
    LostReplySuite,
    OptionsSuite,
    RunOutcome,
    SignIn,
    SignInSuite,
    Subject,
    TriggerHost,
    TriggerSuite,
    WebhooksSuite,
    calendly,
)

assert_type(calendly_connector.__version__, str)
assert_type(connector, CalendlyConnector)


def reads_the_catalog(loaded: Connector) -> None:
    manifest: ManifestInfo = loaded.manifest
    kinds: Mapping[str, CredentialKind] = manifest.credentials
    functions: Mapping[str, FunctionInfo] = manifest.functions
    triggers: Mapping[str, TriggerInfo] = manifest.triggers
    groups: tuple[ActionGroup, ...] = manifest.groups
    icon: Icon = manifest.icon
    assert_type(icon.png, bytes)
    for action in loaded.actions().values():
        assert_type(action, ActionInfo)
        returns: Returns = action.returns
        effect: Effect = action.effect
        fields: tuple[Field, ...] = action.fields
        outputs: tuple[OutputField, ...] = action.outputs
        look_up: LookUp | None = action.look_up
        columns: Sequence[Column] = action.columns
        print(returns, effect, fields, outputs, look_up, columns)
    for field in kinds["personal_access_token"].fields:
        kind: FieldType = field.type
        choices: tuple[Option, ...] = field.choices
        print(kind, choices)
    print(functions, triggers, groups)


def calls(credential: Mapping[str, str], store: CredentialStore) -> None:
    host_side: Connector = connector  # what the entry point has is what the contract promises
    general: Connection = host_side.connect(credential, source="the connection 'calendly'", store=store)
    with connector.connect(credential, timeouts=Timeouts(call_s=30)) as connection:
        assert_type(connection, CalendlyConnection)
        report = connection.check(deep=True)
        assert_type(report, CheckReport)
        outcome: Outcome = report.outcome
        verdicts: Mapping[str, Verdict] = report.actions
        ability: Ability = verdicts["users.me"].ability
        rows: Filter = [("owner", "me"), ("invitee.email", Plain("ada@acme.example"))]
        params: Params = {"status": "active"}
        options: CallOptions = {"filter": rows, "limit": 5}
        prepared: PreparedCall = connection.prepare("scheduled_events.list", params, **options)
        assert_type(prepared.run(), Result)
        records: Records = connection.iterate("scheduled_events.list", params, filter=rows, limit=5)
        names: list[Record] = list(records)
        page: OptionPage = connection.options("scheduled_events.list", "event_type", search="intro")
        settled: Settled = connection.settle("links.create", params, sent_at=0.0)
        limit: RateLimit | None = connection.rate_limit
        print(general, outcome, ability, names, page.options, settled.state, limit)


def signs_in(credential: Mapping[str, str]) -> dict[str, str]:
    oauth: OAuth = connector.oauth()
    request: SignInRequest = oauth.authorize(credential, uses=["meetings.list"])
    return oauth.exchange(credential, request, "https://app.acme.example/callback?code=…")


def receives(credential: Mapping[str, str], stop: threading.Event) -> None:
    inbox: Inbox = open_inbox(Path("inbox.db"))
    store: SubscriptionStore = VaultStore(open_vault())
    receiver = Receiver(inbox, SigningKeys(store, signer_of(credential)))
    reply: WebhookResponse = receiver.handle(
        "POST", "", [("calendly-webhook-signature", sign(b"{}", "key", 0))], b"{}"
    )
    handler = Forwarder("https://hooks.acme.example")
    with connector.connect(credential) as connection:
        trigger = connection.trigger(["invitee.created"])
        as_promised: Trigger = trigger
        polled: Polled = as_promised.poll()
        events: tuple[Event, ...] = polled.events
        made: list[Subscription] = connection.subscribe(["invitee.created"], "https://hooks.acme.example")
        states: list[SubscriptionState] = connection.subscription_states()
        managed = Subscriptions(connection, store)
        found: int = reconcile(inbox, connection, ["invitee.created"])
        Dispatcher(inbox, handler, trigger=trigger).run(stop)
    print(reply.status, events, made, states, managed, found, asgi(receiver), wsgi(receiver))
    logging.getLogger().addFilter(RedactingFilter(credential["token"]))


def advice(error: ConnectorError) -> str:
    match error:
        case InvalidParams():
            assert_type(error.problems, tuple[Problem, ...])
        case AmbiguousMeeting():
            assert_type(error.candidates, list[dict[str, Any]])
        case SlotTaken():
            assert_type(error.nearest, list[dict[str, Any]])
        case PartlyDone():
            assert_type(error.done, list[dict[str, Any]])
        case PermissionDenied():
            assert_type(error.required_scopes, tuple[str, ...])
        case UnknownAction() | UnknownCredential() | InvalidCredential() | UsageError():
            return "usage"
        case Unauthenticated() | NotFound() | Rejected() | RateLimited() | CalendlyDown() | CalendlyError():
            assert_type(error.status, int)
        case SignInRequired() | SignInFailed() | VaultError() | SignatureError() | InboxError():
            return "set-up"
        case NoAnswer() | UnexpectedAnswer() | ResultTooLarge() | AgentDatabaseError():
            return "network"
        case TakenOver() | DestinationError():
            return "destination"
        case _:
            assert_type(error, errors.ConnectorError)
    assert_type(error.retryable, bool)
    assert_type(error.to_dict(), dict[str, Any])
    return error.fix


class MyHost:
    """Has what the conformance kit drives."""

    def catalog(self) -> Mapping[str, Collection[str]]:
        return {}

    def store(self, name: str, credential: Mapping[str, str]) -> None: ...

    def check(self, name: str) -> CheckOutcome:
        return CheckOutcome(ok=True, text=name)

    def run(
        self, name: str, action: str, inputs: Mapping[str, Any], *, all_pages: bool = False
    ) -> RunOutcome:
        return RunOutcome(failure=Failure(f"{name} {action} {inputs} {all_pages}"))

    def load(self, action: str, inputs: Mapping[str, Any]) -> str | None: ...

    def written(self) -> bytes | Iterable[bytes]:
        return b""

    def form(self, kind: str) -> Mapping[str, FormField]:
        return {kind: FormField("Token", secret=True, required=True)}

    def events(self, name: str, event: str) -> Sequence[str]:
        return [name, event]


driven: tuple[Host, FormHost, TriggerHost] = (MyHost(), MyHost(), MyHost())
suites = (
    CatalogSuite,
    ConnectionSuite,
    EventsSuite,
    HostSuite,
    ListsSuite,
    LostReplySuite,
    OptionsSuite,
    SignInSuite,
    WebhooksSuite,
)


class TestMyHost(FormSuite, TriggerSuite):
    @pytest.fixture
    def host(self, subject: Subject) -> Iterator[MyHost]:
        call: ExpectedCall = subject.single
        failing: Sequence[FailingCall] = subject.failing_calls
        deliver = subject.deliver
        delivery: Delivery | None = deliver() if deliver else None
        lost: LostReply | None = subject.lost_reply
        sign_in: SignIn | None = subject.sign_in
        print(call, failing, delivery, lost, sign_in)
        yield MyHost()


class TestMyConnector(ConnectorSuite):
    @pytest.fixture
    def subject(self) -> Iterator[Subject]:
        with calendly() as subject:
            yield subject
