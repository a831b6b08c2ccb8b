"""The text of the drawing: what a stranger wrote is no Mermaid."""

from calendly_connector.agent.flows.model import Call, Flow, FlowConnection, FlowTrigger, Step
from calendly_connector.agent.pages.drawing import mermaid


def flow(step_id="me", action="users.me", **options):
    return Flow(
        "look",
        {"c": FlowConnection("calendly")},
        FlowTrigger(),
        (Step(step_id, Call("c", action), **options),),
    )


def test_the_trigger_leads_to_the_steps():
    lines = mermaid(flow()).splitlines()
    assert lines == [
        "flowchart TD",
        '  start(["By hand"])',
        '  s0["me<br/>calendly users#46;me"]',
        "  start --> s0",
    ]


def test_strange_texts_become_numbers_of_characters():
    evil = '"]; click s0 "javascript:alert(1)" <img src=x> `x` #35; %%{init}%%\n  s9[\u202e'
    text = mermaid(flow(evil, for_each=evil))
    assert len(text.splitlines()) == 4
    label = text.splitlines()[2].removeprefix('  s0[["').removesuffix('"]]').replace("<br/>", "")
    assert not set(label) & set('"<>[]`%(){}:')


def test_long_texts_are_cut():
    assert len(mermaid(flow("x" * 10_000))) < 300
