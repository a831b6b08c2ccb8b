"""The operations of the API, a module per resource, and the table of all of them."""
