"""Sign-in by OAuth: only the browser and the person that began it finish it, once."""

import pytest
from calendly_connector.agent.workspace import sign_ins
from calendly_connector.agent.workspace.credentials import Draft
from calendly_connector.errors import SignInFailed, UsageError
from small_workspace import small_workspace

ORIGIN = "https://agent.acme.example"
DRAFT = Draft("desk", "oauth", {"client_id": "desk-1", "client_secret": "hidden"})
BACK = "code=1&state=state-1"


@pytest.fixture
def workspace():
    return small_workspace([1000.0])


def begun(workspace, **options):
    return sign_ins.begin(workspace, "ada", "work", DRAFT, origin=ORIGIN, **options)


def test_a_sign_in_is_stored_with_its_tokens_and_paused_flows_go_on(workspace):
    address, browser = workspace.sign_ins.leave(begun(workspace, scopes=["a:read"]), "ada")
    assert address == "https://desk.example/?x"
    sign_in = workspace.sign_ins.come_back(BACK, browser, "ada")
    sign_ins.finish(workspace, sign_in, BACK)
    assert workspace.vault["work"]["access_token"] == "good"
    assert workspace.connectors["desk"].exchanged == [f"{ORIGIN}/credentials/callback?{BACK}"]
    assert sign_ins.stored_scopes(workspace, "work") == ("a:read",)
    assert workspace.engine.rechecks == 1
    again = sign_ins.stored_draft(workspace, "work", "desk")
    assert again.fields == DRAFT.fields


@pytest.mark.parametrize(
    ("query", "person", "is_own_browser"),
    [
        (BACK, "ada", False),
        (BACK, "eve", True),
        ("code=1&state=other", "ada", True),
        ("code=1", "ada", True),
        (f"{BACK}&state=state-1", "ada", True),
        ("&".join(f"a{number}=1" for number in range(30)), "ada", True),
    ],
)
def test_a_stranger_cannot_finish_a_sign_in_and_does_not_disturb_it(workspace, query, person, is_own_browser):
    _, browser = workspace.sign_ins.leave(begun(workspace), "ada")
    with pytest.raises(SignInFailed, match="No sign-in was begun in this browser"):
        workspace.sign_ins.come_back(query, browser if is_own_browser else "", person)
    assert workspace.sign_ins.come_back(BACK, browser, "ada").name == "work"
    with pytest.raises(SignInFailed):
        workspace.sign_ins.come_back(BACK, browser, "ada")


def test_an_id_sends_one_browser_of_its_person_away(workspace):
    assert workspace.sign_ins.leave("made-up", "ada") is None
    assert workspace.sign_ins.leave(begun(workspace), "eve") is None
    id_ = begun(workspace)
    assert workspace.sign_ins.leave(id_, "ada")
    assert workspace.sign_ins.leave(id_, "ada") is None


def test_a_failed_sign_in_is_tried_again_with_what_was_filled_in(workspace):
    _, browser = workspace.sign_ins.leave(begun(workspace), "ada")
    sign_in = workspace.sign_ins.come_back("error=denied&state=state-1", browser, "ada")
    with pytest.raises(SignInFailed) as failure:
        sign_ins.finish(workspace, sign_in, "error=denied&state=state-1")
    id_ = workspace.sign_ins.fail(failure.value, sign_in)
    assert workspace.sign_ins.failed(id_, "eve").sign_in is None
    failed = workspace.sign_ins.failed(id_, "ada")
    assert failed.error.message == "Consent was denied."
    assert workspace.sign_ins.leave(sign_ins.again(workspace, failed.sign_in, origin=ORIGIN), "ada")
    assert not workspace.vault


def test_a_taken_name_is_rejected_before_the_person_leaves(workspace):
    workspace.vault["work"] = {"kind": "token"}
    with pytest.raises(UsageError, match="exists"):
        begun(workspace)
    assert begun(workspace, replaces=True)


def test_secrets_are_in_no_representation(workspace):
    _, browser = workspace.sign_ins.leave(begun(workspace), "ada")
    shown = repr(workspace.sign_ins.come_back(BACK, browser, "ada"))
    assert "hidden" not in shown
    assert "verifier" not in shown
