"""Runs the kit's suites inside a test, to see which of their tests fail."""


def failures(pytester, monkeypatch, source):
    """Run a module of suites; return the tests that failed, with their reports, for each class."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(source)
    passed, skipped, failed = pytester.inline_run("-q", "--tb=short").listoutcomes()
    assert not skipped
    found = {report.nodeid.split("::")[1]: {} for report in (*passed, *failed)}
    for report in failed:
        _, suite, test = report.nodeid.split("::")
        found[suite][test] = report.longreprtext
    return found
