"""The control API, webhook deliveries and fault injection."""
