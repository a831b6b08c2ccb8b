"""Reads the records of lists, page by page."""
