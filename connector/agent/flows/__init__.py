"""Flows: their files, their checks and their values. Pure, except for reading a connector's catalog."""
