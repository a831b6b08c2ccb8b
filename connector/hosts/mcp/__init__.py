"""AI agents over MCP: the catalog as tools, resources and prompts. `server.build` puts it together."""
