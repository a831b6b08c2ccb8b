"""The version, in its own module so that no other module has to import the package root."""

__version__ = "0.1.0"
