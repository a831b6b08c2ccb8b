"""A small, fast mock Calendly on loopback. It shares no code with the client, so they can't share bugs.

See docs/decisions/sandbox-shares-no-code.md.
"""
