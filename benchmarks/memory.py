"""Peak memory of a list that is streamed to a file. It shouldn't depend on the length."""

from collections.abc import Iterator

from measure import OURS, Figure, folder, peak_kib, read_command, sandbox

_FEW, _MANY, _MANY_QUICK = 10_000, 1_000_000, 100_000


def figures(*, quick: bool) -> Iterator[Figure]:
    """Measure two lengths."""
    many = _MANY_QUICK if quick else _MANY
    peaks = {}
    for events in (_FEW, many):
        # Rendered pages would fill the server's memory, and speed isn't measured here.
        with sandbox(events, "--rate-limit", "0") as environment, folder() as out:
            peaks[events] = peak_kib(read_command(out / "out.jsonl"), environment)
    work = f"{many:,} events to JSON lines, peak memory"
    baseline = f"{_FEW:,} events ({peaks[_FEW] / 1024:.0f} MiB)"
    yield Figure(work, OURS, baseline, peaks[many] / peaks[_FEW], at_most=1.1)
