"""The version, in its own module so that no other module has to import the package root.

This is the only place where it stands: `pyproject.toml` reads it from here without an import.
"""

__version__ = "1.0.0"
