"""AI agents over the Model Context Protocol (MCP): the catalog as tools, resources and prompts.

`server.build` is the entry point.
"""
