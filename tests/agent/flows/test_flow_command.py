"""`calendly-connector flow`: what it prints, as JSON and like a compiler, and its exit codes."""

import io
import json
import sys

import pytest
from calendly_connector import cli
from calendly_connector.agent import templates
from calendly_connector.auth.vault import open_vault
from calendly_connector.cli.tables import cells
from terminal import caller, screen

GOOD = """\
name: good
connections: {calendly: {connector: calendly, credential: work}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
"""
BAD = GOOD.replace("users.me", "users.ne").replace("manual", "manuel")


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes a file into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(content, name="flow.yaml"):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return name

    return write


# --- validate


def test_a_valid_flow(call, written):
    assert call("flow", "validate", written(GOOD)) == (0, "1 flow checked, 0 errors.\n", "")


def test_problems_are_printed_like_those_of_a_compiler(call, written):
    code, out, err = call("flow", "validate", written(BAD), written(GOOD, "good.yaml"))
    assert (code, err) == (1, "")
    wrong_type, *others = out.splitlines()
    assert wrong_type == (
        "flow.yaml:3:17: error: trigger.type: must be one of triggered, polling, manual. "
        "Did you mean 'manual'?"
    )
    assert others == [
        "flow.yaml:5:44: error: calendly has no action 'users.ne'. Did you mean 'users.me'?",
        "2 flows checked, 2 errors.",
    ]


def test_a_warning_is_no_error(call, written):
    content = GOOD.replace("{calendly:", "{spare: {connector: calendly}, calendly:")
    code, out, _ = call("flow", "validate", written(content))
    assert code == 0
    assert out.splitlines() == [
        "flow.yaml:2:15: warning: nothing uses the connection 'spare'.",
        "1 flow checked, 0 errors.",
    ]


def test_a_terminal_shows_the_line_and_a_caret(written):
    code, shown = screen("flow", "validate", written(BAD))
    assert code == 1
    lines = shown.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("flow.yaml:5:44"))
    source, caret = lines[place + 1 : place + 3]
    assert source == "    - {id: me, connection: calendly, action: users.ne}"
    assert source[caret.index("^") :].startswith("users.ne")


@pytest.mark.parametrize("before", ["", "日本" * 10, "long " * 100, "日本" * 200, "\U0001f9c0\u200b"])
def test_a_caret_points_to_its_place_in_wide_and_long_lines(before, written):
    line = f"title: ['{before}', *wrong]"
    shown = screen("flow", "validate", written(f"{line}\n{GOOD}"), width=70)[1].splitlines()
    place = next(number for number, text in enumerate(shown) if "Aliases aren't supported" in text)
    source, caret = shown[place + 1 : place + 3]
    assert cells(source) <= 70
    assert cells(source.partition("*wrong")[0]) == cells(caret) - 1


def test_a_file_cannot_write_to_the_terminal(call, written):
    code, out, _ = call("flow", "validate", written(GOOD.replace("users.me", '"\\e[31mred"')))
    assert code == 1
    assert "\x1b" not in out


def test_json_has_all_problems(call, written):
    code, out, _ = call("flow", "validate", written(BAD), written(GOOD, "good.yaml"), "--json")
    bad, good = json.loads(out)
    assert code == 1
    assert (good["file"], good["name"], good["ok"], good["problems"]) == ("good.yaml", "good", True, [])
    assert [(each["line"], each["column"], each["path"], each["near"]) for each in bad["problems"]] == [
        (3, 17, "trigger.type", "manual"),
        (5, 44, "steps[0].action", "users.me"),
    ]


def test_standard_input_is_a_file(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    assert cli.main(["flow", "validate", "-"]) == 1
    assert capsys.readouterr().out.startswith("-:3:17: error: ")


def test_a_file_that_cannot_be_read_is_wrong_usage(call, tmp_path):
    code, out, err = call("flow", "validate", str(tmp_path / "missing.yaml"))
    assert (code, out) == (2, "")
    assert "No such file or directory." in err
    assert call("flow", "validate", str(tmp_path))[0] == 2


def test_a_huge_file_is_not_read_whole(call, written):
    code, out, _ = call("flow", "validate", written(b"a: " + b"x" * (3 << 20)))
    assert (code, out.splitlines()[0]) == (1, "flow.yaml:1:1: error: The file is larger than 1 MiB.")


def test_credentials_are_checked_on_request(call, written, sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    assert call("flow", "validate", written(GOOD))[0] == 0
    code, out, _ = call("flow", "validate", written(GOOD), "--credentials")
    assert code == 1
    assert "flow.yaml:2:59: error: unknown credential 'work'. Add it to the vault." in out
    open_vault().put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})
    assert call("flow", "validate", written(GOOD), "--credentials")[:2] == (0, "1 flow checked, 0 errors.\n")


# --- templates


def test_templates_are_listed(call):
    code, out, _ = call("flow", "templates")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", *templates.names()]
    listed = json.loads(call("flow", "templates", "--json")[1])
    assert [each["name"] for each in listed] == templates.names()


def test_a_template_is_printed_as_it_is(call):
    assert call("flow", "templates", "new-invitees") == (0, templates.read("new-invitees"), "")
    document = json.loads(call("flow", "templates", "new-invitees", "--json")[1])
    assert document["flow"] == templates.read("new-invitees")


def test_a_template_is_written_to_a_new_file(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call("flow", "templates", "new-invitees", "--output", "mine.yaml")
    assert (code, out) == (0, "")
    assert err.startswith("note: wrote mine.yaml.")
    assert (tmp_path / "mine.yaml").read_text() == templates.read("new-invitees")
    code, _, err = call("flow", "templates", "booking-to-chat", "--output", "mine.yaml")
    assert (code, "mine.yaml exists already." in err) == (2, True)
    assert (tmp_path / "mine.yaml").read_text() == templates.read("new-invitees")


def test_an_unknown_template_names_the_nearest(call):
    code, _, err = call("flow", "templates", "new-invites")
    assert (code, "Did you mean 'new-invitees'?" in err) == (2, True)
    assert call("flow", "templates", "--output", "x.yaml")[0] == 2
