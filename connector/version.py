"""The version. A module of its own, so that no room has to import the package's root."""

__version__ = "0.1.0"
