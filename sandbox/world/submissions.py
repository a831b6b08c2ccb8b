"""Routing forms that people fill in. Pure."""

from collections.abc import Sequence

from . import cast, office_shapes, times
from .bookings import Place
from .happenings import Happening
from .holdings import Form, Submission
from .shapes import Record
from .world import World

_DEFAULT_ANSWERS = {"name": "Robin Example", "email": "robin@client.example"}


def submit(
    world: World,
    now: int,
    form: Form,
    answers: Sequence[str],
    *,
    kind: str | None = None,
    submitter: Place | None = None,
) -> Submission:
    """Put in a submission; missing answers are made up, the result leads to the intro call unless named."""
    results = _results(world)
    kind = kind or "event_type"
    if kind not in results:
        raise ValueError(f"result must be one of {', '.join(results)}")
    questions = form.record["questions"]
    if len(answers) > len(questions):
        raise ValueError(f"answers must be {len(questions)} at most")
    made_up = [_made_up(question) for question in questions[len(answers) :]]
    uri = world.links.to("routing_form_submissions", world.new_uuid("routing_form_submission"))
    record = office_shapes.submission(
        uri,
        form.record,
        [*answers, *made_up],
        result={"type": kind, "value": results[kind]},
        created_at=times.write(now),
    )
    if submitter:
        invitee = world.keep(submitter.number).invitees[submitter.place]
        invitee["routing_form_submission"] = uri
        record |= {"submitter": invitee["uri"], "submitter_type": "Invitee"}
    world.touch()
    made = Submission(form.record["uri"].rpartition("/")[2], record)
    world.holdings.submissions[uri.rpartition("/")[2]] = made
    return made


def _results(world: World) -> dict[str, str | Record]:
    return {
        "event_type": world.links.to("event_types", cast.INTRO_CALL),
        "custom_message": cast.FORM_MESSAGE,
        "external_url": cast.FORM_URL,
    }


def _made_up(question: Record) -> str:
    choices = question["answer_choices"]
    return choices[0] if choices else _DEFAULT_ANSWERS.get(question["type"], "Not said")


def told(form: Form, made: Submission) -> Happening:
    """Give what subscribers of `routing_form_submission.created` hear."""
    return Happening("routing_form_submission.created", made.record, form.organization)
