"""Pre-filled addresses of booking pages, and the HTML that embeds them: every text arrives, and none runs."""

import json
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from calendly_connector.errors import InvalidParams
from calendly_connector.recipes.prefill import read_prefill
from hypothesis import given
from hypothesis import strategies as st
from locations import SUPPORT
from sandbox_client import INTRO_CALL, PUBLIC, SALES_DEMO

LINK = "https://calendly.com/s/abcd-brv-efg"
DISCUSS = "What would you like to discuss?"
PRODUCTS = "Which products do you use?"
QUESTIONS = [
    {"name": "Second", "position": 1, "enabled": True, "type": "string", "answer_choices": None},
    {"name": "First, really?", "position": 0, "enabled": True, "type": "text", "answer_choices": []},
    {"name": "Off", "position": 2, "enabled": False, "type": "text", "answer_choices": []},
    {"name": "Pick one", "position": 3, "type": "single_select", "answer_choices": ["Yes", "No, never"]},
    {
        "name": "Pick some",
        "position": 4,
        "type": "multi_select",
        "answer_choices": ["A", "B, or C", "D"],
        "include_other": True,
    },
]
HOSTILE = [
    "</script><script>window.evil = 1</script>",
    '"><img src=x onerror="window.evil = 1">',
    "'); window.evil = 1; ('",
    "</a><svg onload=window.evil=1>",
    "<!--<script>",
    "&quot;&#39;&lt;script&gt;",
    "javascript:window.evil=1",
    "\u2028window.evil=1\u2029\\u003c/script\\u003e",
    "${window.evil = 1}` + window.evil",
    "\u674e Zo\xeb \U0001f600 \u202e",
]


def parameters(url):
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def problems(caught):
    return {problem.path: problem.message for problem in caught.value.problems}


# Addresses


def test_an_event_type_gets_its_own_page_with_everything_filled_in(sandbox, connect):
    inputs = {
        "event_type": "intro",
        "name": "Zoë & Søn",
        "email": "z+1@client.example",
        "guests": ["a@client.example", "b@client.example"],
        "date": "2026-12-01",
        "location": "+49 30 123",
        "answers": {f" {DISCUSS.upper()} ": "50% off?\nyes", PRODUCTS: "core, Reports"},
        "tracking": {"utm_medium": "e mail", "utm_source": "x=y&z"},
        "background_color": "#FFFFFF",
        "primary_color": "0069ff",
        "hide_event_type_details": True,
        "hide_gdpr_banner": False,
    }
    record = connect(sandbox).run("booking_pages.url", inputs).record
    assert record["event_type"] == INTRO_CALL
    assert urlsplit(record["url"])[:3] == ("https", "calendly.com", "/ada-okafor/intro")
    assert "+" not in record["url"].replace("%2B", "")
    assert parameters(record["url"]) == [
        ("name", "Zoë & Søn"),
        ("email", "z+1@client.example"),
        ("date", "2026-12-01"),
        ("location", "+49 30 123"),
        ("month", "2026-12"),
        ("guests", "a@client.example,b@client.example"),
        ("a1", "50% off?\nyes"),
        ("a2", "1,2"),
        ("utm_medium", "e mail"),
        ("utm_source", "x=y&z"),
        ("background_color", "FFFFFF"),
        ("primary_color", "0069ff"),
        ("hide_event_type_details", "1"),
    ]


def test_a_link_is_filled_in_without_a_request(unvisited, connect):
    inputs = {"link": f"{LINK}?month=2026-11&name=Old&x=1#top", "name": "New", "answers": {"a2": "two"}}
    record = connect(unvisited).run("booking_pages.url", inputs).record
    assert record == {"url": f"{LINK}?month=2026-11&x=1&name=New&a2=two#top", "event_type": None}


def test_a_link_with_its_event_type_has_answers_by_question(sandbox, connect):
    inputs = {"link": LINK, "event_type": SALES_DEMO, "answers": {DISCUSS: "x"}}
    record = connect(sandbox).run("booking_pages.url", inputs).record
    assert record == {"url": f"{LINK}?a1=x", "event_type": SALES_DEMO}


def test_a_question_by_text_needs_the_event_type(unvisited, connect):
    with pytest.raises(InvalidParams, match="pass event_type as well"):
        connect(unvisited).run("booking_pages.url", {"link": LINK, "answers": {DISCUSS: "x"}})


def test_an_address_or_an_event_type_is_required(unvisited, connect):
    with pytest.raises(InvalidParams, match="requires one of event_type, link"):
        connect(unvisited).run("booking_pages.url", {"name": "Ada"})


@pytest.mark.parametrize(
    "link",
    [
        "http://calendly.com/ada",
        "https://calendly.com",
        "https://calendly.com/",
        "https://calendly.com.evil.example/ada",
        "https://evilcalendly.com/ada",
        "https://evil.example/calendly.com/ada",
        "https://calendly.com@evil.example/ada",
        "https://user:pw@calendly.com/ada",
        "https://calendly.com:8443/ada",
        "javascript:alert(1)//calendly.com/ada",
        "data:text/html,calendly.com/x",
        "https://calendly.com:x/ada",
    ],
)
def test_only_calendlys_own_pages_are_accepted(link, unvisited, connect):
    for action in ("booking_pages.url", "booking_pages.embed"):
        with pytest.raises(InvalidParams) as caught:
            connect(unvisited).run(action, {"link": link})
        assert list(problems(caught)) == ["link"]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"text_color": "red"}, "text_color"),
        ({"text_color": "#12345"}, "text_color"),
        ({"month": "2026-00"}, "month"),
        ({"month": "December"}, "month"),
        ({"date": "2026-02-30"}, "date"),
        ({"email": "nobody"}, "email"),
        ({"guests": ["nobody"]}, "guests[0]"),
        ({"tracking": {"utm_source": "x" * 256}}, "tracking.utm_source"),
        ({"hide_gdpr_banner": "maybe"}, "hide_gdpr_banner"),
        ({"answers": {"a1": 5}}, "answers.a1"),
        ({"first_name": "Ada", "name": "Ada Okafor"}, "name"),
        ({"date": "2026-12-01", "month": "2026-11"}, "month"),
    ],
)
def test_wrong_inputs_are_named(inputs, path, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run("booking_pages.url", {"link": LINK, **inputs})
    assert list(problems(caught)) == [path]


def test_an_event_type_that_is_turned_off_has_no_page(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    connection.run("event_types.update", {"uuid": INTRO_CALL, "active": False})
    with pytest.raises(InvalidParams, match="turned off"):
        connection.run("booking_pages.url", {"event_type": INTRO_CALL})


# Answers


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"Second": "b", "First, really?": "a"}, {"a1": "a", "a2": "b"}),
        ({"first,  REALLY?": "a"}, {"a1": "a"}),
        ({"A2": "b", " a1 ": "a"}, {"a1": "a", "a2": "b"}),
        ({"Pick one": "no, never"}, {"a3": "2"}),
        ({"Pick one": ["Yes"]}, {"a3": "1"}),
        ({"Pick some": "B, or C"}, {"a4": "2"}),
        ({"Pick some": "A,D"}, {"a4": "1,3"}),
        ({"Pick some": "a\nd\n"}, {"a4": "1,3"}),
        ({"Pick some": ["D", "B, or C", "Else"]}, {"a4": "3,2,Else"}),
        ({"a4": "D"}, {"a4": "3"}),
        ({"Second": "", "Pick some": [], "Pick one": " "}, {}),
        ({"First, really?": "~{Now}~"}, {"a1": "~{Now}~"}),
    ],
)
def test_answers_are_numbered_as_the_page_shows_the_questions(answers, expected):
    prefill = read_prefill({"answers": answers}, QUESTIONS)
    assert (dict(prefill.parameters), prefill.problems) == (expected, ())


@pytest.mark.parametrize(
    ("answers", "message", "nearest"),
    [
        ({"Secnd": "b"}, "isn't a question of this event type", "Second"),
        ({"Off": "b"}, "isn't a question of this event type", None),
        ({"a5": "b"}, "isn't a question of this event type", None),
        ({"a0": "b"}, "isn't a question of this event type", None),
        ({"Second": ["a", "b"]}, "accepts only one answer, but has 2", None),
        ({"Pick one": ["Yes", "No, never"]}, "accepts only one answer, but has 2", None),
        ({"Pick one": "Yess"}, "must be one of Yes, No, never, not 'Yess'", "Yes"),
        ({"Pick one": "Perhaps"}, "must be one of Yes, No, never", None),
        ({"Second": "a", "a2": "b"}, "answers question 2, which another answer answers", None),
    ],
)
def test_answers_that_do_not_fit_are_explained(answers, message, nearest):
    [problem] = read_prefill({"answers": answers}, QUESTIONS).problems
    assert problem.message.startswith(message)
    assert problem.nearest == nearest


def test_questions_with_the_same_text_are_told_apart_by_their_place():
    twins = [{"name": "Why?", "position": place} for place in range(2)]
    [problem] = read_prefill({"answers": {"Why?": "x"}}, twins).problems
    assert problem.message == "2 questions have this text: use a1 to a10 instead"
    assert read_prefill({"answers": {"a2": "x"}}, twins).parameters == (("a2", "x"),)


def test_only_ten_questions_can_be_filled_in():
    many = [{"name": f"Q{place}", "position": place} for place in range(11)]
    [problem] = read_prefill({"answers": {"Q9": "x", "Q10": "y"}}, many).problems
    assert problem.message == "is question 11; only the first ten can be pre-filled"


@given(st.dictionaries(st.sampled_from(["name", "email", "location"]), st.text(min_size=1)), st.text())
def test_any_text_arrives_unchanged(texts, answer):
    prefill = read_prefill({**texts, "answers": {"a1": answer}}, None)
    url = prefill.url(f"{LINK}?keep=me")
    assert url.isascii()
    expected = {"keep": "me", **texts, **({"a1": answer} if answer.strip() else {})}
    assert dict(parameters(url)) == expected


# Embed


class Elements(HTMLParser):
    """Collects the elements, attributes and texts of HTML."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data.strip())


def embedded(connection, **inputs):
    return connection.run("booking_pages.embed", inputs).record


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        ("inline", ["div", "script"]),
        ("popup", ["link", "script", "a"]),
        ("badge", ["link", "script", "script"]),
    ],
)
def test_a_text_can_not_add_an_element(kind, tags, text, unvisited, connect):
    record = embedded(connect(unvisited), kind=kind, link=LINK, name=text, text=text)
    page = Elements(record["html"])
    assert [tag for tag, _ in page.elements] == tags
    assert dict(parameters(record["url"])) == {"name": text}
    if kind == "inline":
        assert page.elements[0][1]["data-url"] == record["url"]
    if kind == "popup":
        assert page.elements[2][1]["href"] == record["url"]
        assert page.texts[-2] == text.strip()
    if kind == "badge":
        code = page.texts[-2]
        options = json.loads(code[code.index("{") : code.rindex("}") + 1])
        assert options == {
            "url": record["url"],
            "text": text,
            "color": "#0069ff",
            "textColor": "#ffffff",
            "branding": True,
        }


def test_the_options_of_the_widgets(unvisited, connect):
    connection = connect(unvisited)
    assert "height:1000px;" in embedded(connection, link=LINK, height_px=1000)["html"]
    badge = embedded(
        connection,
        link=LINK,
        kind="badge",
        badge_color="#123456",
        badge_text_color="abcdef",
        branding=False,
        text_color="000000",
    )
    assert '"color": "#123456", "textColor": "#abcdef", "branding": false' in badge["html"]
    assert badge["url"] == f"{LINK}?text_color=000000"
    with pytest.raises(InvalidParams):
        embedded(connection, link=LINK, kind="window")


def test_an_event_type_can_be_embedded_by_name(sandbox, connect):
    record = embedded(connect(sandbox), event_type="Intro call", hide_gdpr_banner=True)
    assert record["kind"] == "inline"
    assert record["event_type"] == f"{PUBLIC}/event_types/{INTRO_CALL.rpartition('/')[2]}"
    assert 'data-url="https://calendly.com/ada-okafor/intro?hide_gdpr_banner=1"' in record["html"]


# A real browser

STAND_IN = """
window.Calendly = {
  initPopupWidget(options) { window.popups = [...(window.popups || []), options]; },
  initBadgeWidget(options) { window.badges = [...(window.badges || []), options]; },
};
"""
REPORT = """
document.readyState === "complete" && (window.badges || []).length === EXPECTED && (() => {
  document.querySelectorAll("a").forEach(link => link.click());
  return JSON.stringify({
    evil: window.evil ?? null,
    inline: [...document.querySelectorAll(".calendly-inline-widget")].map(one => one.dataset.url),
    popups: window.popups.map(one => one.url),
    texts: [...document.querySelectorAll("a")].map(one => one.textContent),
    badges: window.badges,
    scripts: document.scripts.length,
    others: document.body.querySelectorAll(":not(div, script, a, link)").length,
  });
})()
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def website(tmp_path):
    """Return a folder and the address at which its files are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("chromium")
def test_a_browser_shows_the_widgets_and_runs_no_text(website, unvisited, connect, tmp_path_factory):
    folder, address = website
    connection = connect(unvisited)
    kinds = ("inline", "popup", "badge")
    records = [
        embedded(connection, kind=kind, link=LINK, name=text, text=text) for text in HOSTILE for kind in kinds
    ]
    html = "".join(record["html"] for record in records)
    html = html.replace("https://assets.calendly.com/assets/external/", "/")
    (folder / "widget.js").write_text(STAND_IN)
    (folder / "widget.css").write_text("")
    (folder / "page.html").write_text(f'<!doctype html><meta charset="utf-8"><body>{html}', encoding="utf-8")
    page = [sys.executable, str(SUPPORT / "chromium_page.py"), str(tmp_path_factory.mktemp("profile"))]
    done = subprocess.run(
        [*page, f"{address}/page.html"],
        input=REPORT.replace("EXPECTED", str(len(HOSTILE))),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    urls = {kind: [record["url"] for record in records if record["kind"] == kind] for kind in kinds}
    assert shown["evil"] is None
    assert shown["inline"] == urls["inline"]
    assert shown["popups"] == urls["popup"]
    assert shown["texts"] == HOSTILE
    assert [(badge["url"], badge["text"]) for badge in shown["badges"]] == list(
        zip(urls["badge"], HOSTILE, strict=True)
    )
    assert (shown["scripts"], shown["others"]) == (4 * len(HOSTILE), 0)
