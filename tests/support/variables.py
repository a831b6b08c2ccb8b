"""The environment variables of the product."""

import re
from pathlib import Path

import calendly_connector


def named_in_the_code():
    """Return the variables that the installed code and declarations name."""
    package = Path(calendly_connector.__file__).parent
    folders = [package, *(package.parent / name for name in ("actions", "credentials", "schemas"))]
    files = [file for folder in folders for file in folder.rglob("*")]
    texts = [file.read_text("utf-8") for file in files if file.suffix in {".py", ".yaml", ".json"}]
    return {name for text in texts for name in re.findall(r"\bCALENDLY_[A-Z_]+[A-Z]\b", text)}
