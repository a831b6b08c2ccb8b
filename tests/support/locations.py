"""The folders and files that tests read."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
SUPPORT = TESTS / "support"
CASSETTES = TESTS / "cassettes"
REFERENCE = TESTS / "reference"
PAYLOADS = REFERENCE / "payloads"
DOCS = TESTS.parent / "docs"
OPENAPI = REFERENCE / "calendly-api.2026-11.yaml"
