"""The page of the events: what each one means and needs, its filters, and an example."""

from collections.abc import Iterator

from calendly_connector.catalog.manifest import manifest
from calendly_connector.catalog.models import TriggerSpec

from docs_text import anchor, codes, escaped, json_block, table


def events() -> Iterator[str]:
    """Yield a table of all events, and a section for each."""
    triggers = manifest().triggers.values()
    yield from table(
        ("event", "meaning"),
        ((f"[`{one.id}`](#{anchor(one.id)})", escaped(one.title)) for one in triggers),
    )
    for trigger in triggers:
        yield from ("", *_section(trigger))


def _section(trigger: TriggerSpec) -> Iterator[str]:
    yield f"## {trigger.id}"
    yield ""
    yield escaped(trigger.description)
    yield ""
    facts = {
        "Token scopes": codes(trigger.scopes),
        "Subscription scopes": ", ".join(trigger.subscriptions),
        "Plan": trigger.plan or "",
        "Built from": codes(trigger.sources),
        "Filters": codes(trigger.filters["properties"]) or "none",
        "Polling misses": escaped(trigger.polling_gaps),
    }
    yield from (f"- {name}: {value}" for name, value in facts.items() if value)
    yield ""
    yield "Example payload:"
    yield ""
    yield from json_block(trigger.examples[0]["payload"])
