"""Adapters for hosts that others wrote: a package each, which alone imports that host."""
