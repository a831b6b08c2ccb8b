"""The durable engine, on DBOS: `engine.py` is its interface. See docs/decisions/agent-on-dbos.md."""
