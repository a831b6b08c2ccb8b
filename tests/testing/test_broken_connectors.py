"""Connectors with one mistake each: the tests for it must fail, and no others."""

from dataclasses import replace

import pytest
import shelf_application
from another_connector import (
    ShelfConnection,
    ShelfConnector,
    ShelfOAuth,
    ShelfTrigger,
)
from calendly_connector.contract import (
    ActionGroup,
    CheckReport,
    Field,
    LookUp,
    Option,
    OptionPage,
    OutputField,
    Plain,
)
from calendly_connector.errors import ConnectorError
from calendly_connector.testing import ConnectorSuite
from shelf_subject import shelf
from suite_runs import failures

pytest_plugins = ["pytester"]

BROKEN = {}
"""Pairs of a connector class and the tests that must fail, by a name for the mistake."""


def fails(*tests):
    """Register a connector class for the tests that it must fail."""

    def register(connector):
        BROKEN[connector.__name__] = (connector, set(tests))
        return connector

    return register


def with_connection(connection_class):
    """Return a `connect` that opens another class of connections."""

    def connect(self, credential, *, origin=None, source="", store=None):
        del origin, source
        return connection_class(self, self._shelf, credential, store)

    return connect


class WithAction(ShelfConnector):
    """Changes one action."""

    action = "loans.create"

    def actions(self):
        known = super().actions()
        return {**known, self.action: self.changed(known[self.action])}


class WithManifest(ShelfConnector):
    """Changes the manifest."""

    @property
    def manifest(self):
        return self.changed(super().manifest)


def with_field(action, path, **changes):
    """Return an action with a changed field, whose schema stays as it is."""
    fields = tuple(replace(one, **changes) if one.path == path else one for one in action.fields)
    return Frozen(action, fields=fields)


class Frozen:
    """An action whose schemas don't follow the changes of its other values."""

    def __init__(self, action, **changes):
        self._action, self._changes = action, changes

    def __getattr__(self, name):
        return self._changes[name] if name in self._changes else getattr(self._action, name)


# What the connector declares


@fails("test_the_manifest_says_who_the_connector_is")
class WithoutVersion(WithManifest):
    def changed(self, manifest):
        return replace(manifest, version="")


@fails("test_the_icon_is_a_square_svg_that_loads_and_runs_nothing")
class IconWithScript(WithManifest):
    def changed(self, manifest):
        svg = manifest.icon.svg.replace(b"</svg>", b"<script>alert(1)</script></svg>")
        return replace(manifest, icon=replace(manifest.icon, svg=svg))


@fails("test_the_icon_is_a_square_svg_that_loads_and_runs_nothing")
class IconFromElsewhere(WithManifest):
    def changed(self, manifest):
        image = b'<use href="https://elsewhere.example/icon.svg#book"/></svg>'
        return replace(manifest, icon=replace(manifest.icon, svg=manifest.icon.svg.replace(b"</svg>", image)))


@fails("test_the_icon_is_a_png_of_256_pixels")
class SmallIcon(WithManifest):
    def changed(self, manifest):
        from shelf_catalog import draw_png

        return replace(manifest, icon=replace(manifest.icon, png=draw_png(64)))


@fails("test_credential_kinds_are_described")
class CredentialWithoutPage(WithManifest):
    def changed(self, manifest):
        key = replace(manifest.credentials["key"], page="")
        return replace(manifest, credentials={**manifest.credentials, "key": key})


@fails("test_functions_are_written_as_their_examples_show")
class FunctionWithoutDescription(WithManifest):
    def changed(self, manifest):
        today = replace(manifest.functions["Today"], description="")
        return replace(manifest, functions={**manifest.functions, "Today": today})


@fails("test_hints_agree_with_effects")
class HarmlessHintOfADeletion(WithAction):
    action = "loans.end"

    def changed(self, action):
        return Frozen(action, hints={**action.hints, "destructiveHint": False})


@fails("test_look_ups_are_reads_and_compare_inputs_of_the_write")
class LookUpByAWrite(WithAction):
    action = "webhooks.create"

    def changed(self, action):
        return Frozen(action, look_up=LookUp("webhooks.create", ("url",), "record", "A webhook."))


@fails("test_look_ups_are_reads_and_compare_inputs_of_the_write")
class LookUpByUnknownInput(WithAction):
    action = "webhooks.create"

    def changed(self, action):
        return Frozen(action, look_up=LookUp("loans.list", ("address",), "record", "A loan."))


@fails("test_groups_have_every_action_and_trigger_once")
class GroupsWithoutAnAction(WithManifest):
    def changed(self, manifest):
        books, *others = manifest.groups
        return replace(manifest, groups=(replace(books, actions=books.actions[1:]), *others))


@fails("test_groups_have_every_action_and_trigger_once")
class GroupsWithAnActionTwice(WithManifest):
    def changed(self, manifest):
        more = ActionGroup("more", "More", "Everything else.", ("books.list",))
        return replace(manifest, groups=(*manifest.groups, more))


@fails("test_forms_can_be_drawn")
class FieldWithoutTitle(WithAction):
    def changed(self, action):
        return with_field(action, "due_on", title="")


@fails("test_forms_can_be_drawn")
class PatternWithoutWords(WithManifest):
    def changed(self, manifest):
        key = manifest.credentials["key"]
        fields = tuple(replace(one, expected="") for one in key.fields)
        return replace(manifest, credentials={**manifest.credentials, "key": replace(key, fields=fields)})


@fails("test_forms_can_be_drawn")
class DependenceOnNothing(WithAction):
    def changed(self, action):
        return with_field(action, "book", depends_on=("branch", "shelf"))


@fails("test_forms_have_a_field_for_every_input")
class InputWithoutField(WithAction):
    def changed(self, action):
        return Frozen(action, fields=tuple(one for one in action.fields if one.path != "due_on"))

    def actions(self):
        known = super().actions()
        lent = {key: value for key, value in known[self.action].example["input"].items() if key != "due_on"}
        examples = ({**known[self.action].example, "input": lent},)
        return {**known, self.action: Frozen(known[self.action], examples=examples)}


@fails("test_no_secret_is_in_a_form_of_inputs")
class SecretInAForm(WithAction):
    action = "webhooks.create"

    def changed(self, action):
        return Frozen(action, fields=(*action.fields, Field("signing_key", "Signing key", secret=True)))


@fails("test_fields_agree_with_their_schemas")
class ChoicesWithoutOne(WithAction):
    action = "books.list"

    def changed(self, action):
        return with_field(action, "status", choices=(Option("Available", "available"),))


@fails("test_fields_agree_with_their_schemas")
class RequiredOnlyByTheSchema(WithAction):
    action = "books.get"

    def changed(self, action):
        return with_field(action, "book", required=False)


@fails("test_outputs_are_values_of_the_record")
class OutputThatDoesNotExist(WithAction):
    def changed(self, action):
        return Frozen(action, outputs=(*action.outputs, OutputField("reader.phone", "Phone", "text")))


@fails("test_output_examples_come_from_the_example")
class OutputWithAnotherExample(WithAction):
    def changed(self, action):
        first, *others = action.outputs
        return Frozen(action, outputs=(replace(first, example="https://elsewhere.example"), *others))


@fails("test_examples_fit_their_schemas")
class ExampleOfTheWrongType(WithAction):
    def changed(self, action):
        output = {**action.example["output"], "due_on": 20261201}
        outputs = tuple(replace(one, example=None) if one.path == "due_on" else one for one in action.outputs)
        return Frozen(action, examples=({**action.example, "output": output},), outputs=outputs)


# Its connections


@fails("test_checking_a_bad_credential_reports_it", "test_no_secret_is_in_a_report")
class RaisingCheck(ShelfConnector):
    class Connection(ShelfConnection):
        def check(self, *, deep=False):
            report = super().check(deep=deep)
            if report.ok or not self._credential.get("key"):
                return report
            raise ConnectorError(report.message)

    connect = with_connection(Connection)


@fails("test_no_secret_is_in_a_report")
class ReportWithTheKey(ShelfConnector):
    class Connection(ShelfConnection):
        def check(self, *, deep=False):
            report = super().check(deep=deep)
            return CheckReport(report.outcome, report.message, f"The key is {self._credential.get('key')}.")

    connect = with_connection(Connection)


@fails("test_a_preview_masks_secrets")
class PreviewWithASecret(ShelfConnector):
    class Connection(ShelfConnection):
        def preview(self, action, params=None, **options):
            shown = self.prepare(action, params, **options)
            return {**shown.preview(), "sent": self.secret_inputs(shown.action)}

    connect = with_connection(Connection)


@fails("test_an_unknown_action_is_an_error")
class GuessedAction(ShelfConnector):
    class Connection(ShelfConnection):
        def prepare(self, action, params=None, **options):
            return super().prepare(
                "readers.me" if action not in self._connector.actions() else action, params, **options
            )

    connect = with_connection(Connection)


@fails("test_an_unknown_option_of_a_call_is_an_error")
class IgnoredOptions(ShelfConnector):
    class Connection(ShelfConnection):
        def prepare(self, action, params=None, **options):
            known = {name: value for name, value in options.items() if name in {"filter", "limit"}}
            return super().prepare(action, params, **known)

    connect = with_connection(Connection)


@fails("test_a_page_says_that_there_are_more_records")
class PageThatLooksComplete(ShelfConnector):
    class Connection(ShelfConnection):
        def run(self, action, params=None, *, all_pages=False, **options):
            result = super().run(action, params, all_pages=all_pages, **options)
            return result if all_pages else replace(result, complete=True)

    connect = with_connection(Connection)


@fails("test_only_secret_inputs_accept_a_secret")
class SecretFunctionAnywhere(ShelfConnector):
    class Connection(ShelfConnection):
        def _example(self, action):
            examples = super()._example(replace(action, secrets=("note",)))
            return lambda path, name, offset: examples("note" if name == "SigningKey" else path, name, offset)

    connect = with_connection(Connection)


@fails("test_a_plain_value_in_a_filter_is_not_evaluated")
class PlainValuesEvaluated(ShelfConnector):
    class Connection(ShelfConnection):
        def prepare(self, action, params=None, *, filter=(), limit=None):  # noqa: A002 - the contract's name
            rows = dict(filter)
            written = {key: each.value if isinstance(each, Plain) else each for key, each in rows.items()}
            return super().prepare(action, params, filter=written, limit=limit)

    connect = with_connection(Connection)


@fails("test_options_come_in_pages_or_with_a_reason")
class LongPageOfOptions(ShelfConnector):
    class Connection(ShelfConnection):
        def options(self, of, field, values=None, *, search="", page=None):
            found = super().options(of, field, values, search=search, page=page)
            more = (Option("All of them", "urn:book:all"),) if found.next_page and not page else ()
            return replace(found, options=(*more, *found.options))

    connect = with_connection(Connection)


@fails("test_pages_of_options_have_each_option_once")
class PagesThatOverlap(ShelfConnector):
    class Connection(ShelfConnection):
        def options(self, of, field, values=None, *, search="", page=None):
            found = super().options(of, field, values, search=search, page=page)
            return replace(found, next_page=found.next_page and str(int(found.next_page) - 1))

    connect = with_connection(Connection)


@fails("test_a_search_narrows_options")
class SearchIgnored(ShelfConnector):
    class Connection(ShelfConnection):
        def options(self, of, field, values=None, *, search="", page=None):
            del search
            return super().options(of, field, values, page=page)

    connect = with_connection(Connection)


@fails("test_dependent_options_say_what_they_need")
class NeedNotNamed(ShelfConnector):
    class Connection(ShelfConnection):
        def options(self, of, field, values=None, *, search="", page=None):
            return replace(super().options(of, field, values, search=search, page=page), needs=())

    connect = with_connection(Connection)


@fails("test_options_that_cant_be_read_are_no_empty_list")
class FailureHiddenAsAnEmptyList(ShelfConnector):
    class Connection(ShelfConnection):
        def options(self, of, field, values=None, *, search="", page=None):
            found = super().options(of, field, values, search=search, page=page)
            return OptionPage() if "401" in found.reason else found

    connect = with_connection(Connection)


@fails("test_choices_can_be_listed_and_other_fields_say_why_not")
class NoListLooksEmpty(ShelfConnector):
    class Connection(ShelfConnection):
        def options(self, of, field, values=None, *, search="", page=None):
            found = super().options(of, field, values, search=search, page=page)
            return OptionPage() if "has no list" in found.reason else found

    connect = with_connection(Connection)


@fails("test_a_write_that_happened_is_found_and_never_repeated")
class SettlingByRepeating(ShelfConnector):
    class Connection(ShelfConnection):
        def settle(self, action, params=None, *, sent_at, **options):
            settled = super().settle(action, params, sent_at=sent_at, **options)
            if settled.state == "done":
                self.run(action, params, **options)
            return settled

    connect = with_connection(Connection)


@fails("test_a_look_up_that_fails_leaves_it_unknown")
class GuessingWhatHappened(ShelfConnector):
    class Connection(ShelfConnection):
        def settle(self, action, params=None, *, sent_at, **options):
            settled = super().settle(action, params, sent_at=sent_at, **options)
            return replace(settled, state="not_done") if settled.state == "unknown" else settled

    connect = with_connection(Connection)


@fails("test_polling_returns_each_event_once")
class PollingTheSameAgain(ShelfConnector):
    class Connection(ShelfConnection):
        def trigger(self, events, filters=None, **options):
            trigger = super().trigger(events, filters, **options)
            return RepeatingTrigger(self, trigger._events, trigger._filters)

    connect = with_connection(Connection)


class RepeatingTrigger(ShelfTrigger):
    def poll(self, cursor="", **where):
        return (
            replace(super().poll(cursor, **where), cursor=cursor or "0") if cursor else super().poll(**where)
        )


@fails("test_an_unsigned_or_changed_webhook_is_rejected")
class AcceptingUnsignedWebhooks(ShelfConnector):
    class Connection(ShelfConnection):
        def receive(self, headers, body, *, subscription=""):
            del headers
            signature = shelf_application.sign(body, self._credential["signing_key"])
            return super().receive({"shelf-signature": signature}, body, subscription=subscription)

    connect = with_connection(Connection)


# Signing in


class _SignIn(ShelfConnector):
    def oauth(self, kind="oauth"):
        return type(self).OAuth(self, super().oauth(kind).shelf)


@fails("test_a_sign_in_asks_for_what_its_uses_need")
class SignInWithoutState(_SignIn):
    class OAuth(ShelfOAuth):
        def authorize(self, credential, **asked):
            request = super().authorize(credential, **asked)
            return replace(
                request, state="always-the-same", url=request.url.replace(request.state, "always-the-same")
            )

        def exchange(self, credential, request, redirected_to):
            mine = "code_challenge=" + shelf_application.challenge(request.verifier)
            assert mine in request.url
            return super().exchange(credential, request, redirected_to)


@fails("test_a_redirect_of_another_sign_in_is_rejected")
class StateNotCompared(_SignIn):
    class OAuth(ShelfOAuth):
        def exchange(self, credential, request, redirected_to):
            code = redirected_to.partition("code=")[2].partition("&")[0]
            asked = self.shelf._codes[code]
            self.shelf._codes[code] = {
                **asked,
                "code_challenge": shelf_application.challenge(request.verifier),
            }
            return super().exchange(credential, request, redirected_to.replace(asked["state"], request.state))


@fails("test_refreshed_tokens_are_stored_under_the_lock")
class RefreshingWithoutTheLock(ShelfConnector):
    class Connection(ShelfConnection):
        def _refresh(self):
            stored = self._connector.oauth().refresh(self._store.get(self._name))
            self._store.put(self._name, stored)
            self._credential = stored

    connect = with_connection(Connection)


def suite_for(name):
    """Return the suite for a connector with a mistake, or for the intact one."""

    class Suite(ConnectorSuite):
        @pytest.fixture
        def subject(self):
            with shelf(*BROKEN[name][:1]) if name in BROKEN else shelf() as subject:
                yield subject

    return Suite


def test_each_mistake_fails_the_tests_for_it_and_no_others(pytester, monkeypatch):
    found = failures(
        pytester,
        monkeypatch,
        f"""
        from {__name__} import BROKEN, suite_for

        for name in ("Intact", *BROKEN):
            globals()[f"Test{{name}}"] = suite_for(name)
        """,
    )
    assert not found.pop("TestIntact")
    assert {name: set(failed) for name, failed in found.items()} == {
        f"Test{name}": tests for name, (_, tests) in BROKEN.items()
    }
