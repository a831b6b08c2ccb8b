"""The operations of the API, one module per resource, and the table of all routes."""
