"""SQL databases: what the vault, the inbox and syncs share."""
