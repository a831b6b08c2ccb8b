"""The records of a list, page by page."""
