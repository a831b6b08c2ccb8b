"""Write the software bill of materials of an environment in which the wheel is installed, as CycloneDX JSON.

    python tools/sbom.py PYTHON FILE

PYTHON is the environment's. What cyclonedx-py finds is reduced to what the wheel needs: no addresses of
projects and registries, no installer, and no path.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

_NAME: Final = "calendly-connector"
_INSTALLERS: Final = frozenset({"pip", "setuptools"})


def main(arguments: list[str]) -> int:
    """Write the file."""
    python, target = arguments
    program = str(Path(sys.executable).parent / "cyclonedx-py")
    command = [program, "environment", "--output-reproducible", "--of", "JSON", python]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    text = json.dumps(reduced(json.loads(found.stdout)), indent=2, ensure_ascii=False)
    Path(target).write_text(f"{text}\n", encoding="utf-8")
    return 0


def reduced(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the wheel as its subject, and its dependencies as components."""
    components = {component["name"]: component for component in document["components"]}
    subject = components.pop(_NAME)
    subject["type"] = "application"
    omitted = {components.pop(name)["bom-ref"] for name in _INSTALLERS & components.keys()}
    document["metadata"]["component"] = subject
    document["components"] = sorted(components.values(), key=lambda component: str(component["bom-ref"]))
    document["dependencies"] = [entry for entry in document["dependencies"] if entry["ref"] not in omitted]
    cleaned: dict[str, Any] = _without(document, "externalReferences")
    return cleaned


def _without(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, key) for name, each in value.items() if name != key}
    return [_without(each, key) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
