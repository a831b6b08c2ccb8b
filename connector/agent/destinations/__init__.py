"""Connectors of our own for what a flow writes to: HTTP APIs, files and SQL databases.

Hosts load them by their entry points, as they load any other connector: `http`, `file` and `sql`.
docs/reference/agent-destinations.md explains them.
"""
