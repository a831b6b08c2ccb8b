"""A small, fast Calendly on this machine; it shares no code with the client, lest both err alike."""
