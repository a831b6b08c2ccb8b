"""A small, fast Calendly on this machine; it shares no code with the client.

See docs/decisions/sandbox-shares-no-code.md.
"""
