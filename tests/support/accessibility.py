"""Faults that axe finds on a page: they lock out people with a screen reader, or without a mouse."""

GRAVE = {"serious", "critical"}
# Axe would request the style sheets again, and find the bar that the page shows meanwhile.
_OPTIONS = {"resultTypes": ["violations"], "preload": False}


def assert_accessible(page):
    """Assert that axe finds no serious or critical fault on a page as it is now."""
    from axe_playwright_python.sync_playwright import Axe

    found = [
        fault
        for fault in Axe().run(page, options=_OPTIONS).response["violations"]
        if fault["impact"] in GRAVE
    ]
    assert not found, "\n".join(_line(fault) for fault in found)


def _line(fault):
    places = "; ".join(
        f"{node['target']} {node['html'][:200]} {node['failureSummary']}" for node in fault["nodes"][:4]
    )
    return f"{fault['id']} ({fault['impact']}): {fault['help']}: {places}"
