"""Runs of flows: steps, references, conditions, lists, retries, compensation."""

from small_flows import event, step


def test_an_event_becomes_a_run_whose_steps_see_it(engine, deploy, ended, journal):
    deploy(step(), step("again", text="Re: ~{write.record.text}~"))
    shown = ended(engine.start_run("notes", event()))
    assert shown["state"] == "done"
    assert journal.texts() == ["Hello", "Re: Hello"]
