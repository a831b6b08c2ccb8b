"""Submit routing forms. Pure."""

from collections.abc import Sequence

from . import fixtures, record_factories, times
from .domain_events import DomainEvent
from .records import Record
from .state import InviteeRef, RoutingForm, RoutingFormSubmission
from .world import World

_DEFAULT_ANSWERS = {"name": "Robin Example", "email": "robin@client.example"}


def submit(
    world: World,
    now: int,
    form: RoutingForm,
    answers: Sequence[str],
    *,
    kind: str | None = None,
    submitter: InviteeRef | None = None,
) -> RoutingFormSubmission:
    """Add a submission; missing answers get defaults. `kind` is the result's type, by default event_type."""
    results = _results(world)
    kind = kind or "event_type"
    if kind not in results:
        raise ValueError(f"result must be one of {', '.join(results)}")
    questions = form.record["questions"]
    if len(answers) > len(questions):
        raise ValueError(f"answers must have at most {len(questions)} items")
    defaults = [_default_answer(question) for question in questions[len(answers) :]]
    uri = world.uris.build("routing_form_submissions", world.new_uuid("routing_form_submission"))
    record = record_factories.submission(
        uri,
        form.record,
        [*answers, *defaults],
        result={"type": kind, "value": results[kind]},
        created_at=times.isoformat(now),
    )
    if submitter:
        invitee = world.editable_event(submitter.event).invitees[submitter.position]
        invitee["routing_form_submission"] = uri
        record |= {"submitter": invitee["uri"], "submitter_type": "Invitee"}
    world.touch()
    submission = RoutingFormSubmission(form.record["uri"].rpartition("/")[2], record)
    world.state.submissions[uri.rpartition("/")[2]] = submission
    return submission


def _results(world: World) -> dict[str, str | Record]:
    return {
        "event_type": world.uris.build("event_types", fixtures.INTRO_CALL),
        "custom_message": fixtures.FORM_MESSAGE,
        "external_url": fixtures.FORM_URL,
    }


def _default_answer(question: Record) -> str:
    choices = question["answer_choices"]
    return choices[0] if choices else _DEFAULT_ANSWERS.get(question["type"], "Not said")


def submission_event(form: RoutingForm, submission: RoutingFormSubmission) -> DomainEvent:
    """Return a `routing_form_submission.created` event."""
    return DomainEvent("routing_form_submission.created", submission.record, form.organization)
