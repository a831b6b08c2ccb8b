"""Work in a thread of its own: Playwright leaves an event loop running in the main one."""

from concurrent.futures import ThreadPoolExecutor


def in_thread(act):
    """Return what a function returns, called in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()
