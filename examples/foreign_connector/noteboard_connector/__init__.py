"""A connector for Noteboard, an invented application. A host finds `connector` by its entry point."""

from .connector import NoteboardConnector

connector = NoteboardConnector()
