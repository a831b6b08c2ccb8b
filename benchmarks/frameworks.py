"""The rival frameworks, each pinned in its own virtual environment, doing the same work as the bare loop.

Each reads all scheduled events of the organization, 100 a page, and writes them in its own form of JSON
lines. `records` reads that form, so the benchmark can compare it with ours.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import HERE, ORGANIZATION, Call, lines, running

RIVALS = HERE / "rivals"
ENVIRONMENTS = HERE.parent / ".venv-rivals"
_SETTINGS = {
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",  # it would cost time, and send data
    "DATA_WRITER__DISABLE_COMPRESSION": "true",  # JSON lines are what the others write
}


@dataclass(frozen=True)
class Framework:
    """One rival: the environment it needs, its command, and how to read its records."""

    label: str
    package: str
    command: Callable[[Path], list[str]]
    records: Callable[[Path], Iterator[Any]]

    @property
    def environment(self) -> str:
        """The name of its virtual environment and of its file of pinned packages."""
        return self.package.partition("-")[0]

    @property
    def version(self) -> str:
        """The pinned version."""
        pins = (RIVALS / f"{self.environment}.txt").read_text().split()
        return next(pin.partition("==")[2] for pin in pins if pin.startswith(f"{self.package}=="))

    def reading(self, environment: Mapping[str, str], folder: Path) -> Call:
        """Return a function that runs it with settings in `config.json` and its standard output in `out`."""
        configure(folder, environment["CALENDLY_API_URL"], environment["CALENDLY_API_TOKEN"])
        program, *arguments = self.command(folder)
        command = [str(ENVIRONMENTS / self.environment / "bin" / program), *arguments]
        return running(command, {**environment, **_SETTINGS}, folder / "out")


def configure(folder: Path, url: str, token: str, look_back: str = "P0D") -> None:
    """Write the settings of all rivals; the first day and `look_back` are for Airbyte's incremental mode."""
    config = {"api_url": url, "api_token": token, "organization": ORGANIZATION}
    config |= {"start_date": "2020-01-01", "look_back": look_back}
    (folder / "config.json").write_text(json.dumps(config))


def install(framework: Framework) -> str | None:
    """Create its virtual environment if it is missing; return the error if that fails."""
    place, pins = ENVIRONMENTS / framework.environment, RIVALS / f"{framework.environment}.txt"
    ready = place / "installed.txt"
    if ready.exists() and ready.read_bytes() == pins.read_bytes():
        return None
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [*pip, "--requirement", str(pins)],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            why = (done.stderr or done.stdout).strip().splitlines() or ["unknown error"]
            return f"{framework.label} can't be installed: {why[-1]}"
    ready.write_bytes(pins.read_bytes())
    return None


def airbyte_catalog(folder: Path, streams: Iterable[str], mode: str) -> None:
    """Write Airbyte's catalog: the streams to read, as `full_refresh` or `incremental`."""
    described = [
        {
            "stream": {
                "name": name,
                "json_schema": {},
                "supported_sync_modes": ["full_refresh", "incremental"],
            },
            "sync_mode": mode,
            "destination_sync_mode": "append",
        }
        for name in streams
    ]
    (folder / "catalog.json").write_text(json.dumps({"streams": described}))


def airbyte_command(folder: Path) -> list[str]:
    """Return the command that reads the streams in the catalog."""
    files = ["--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json")]
    return ["source-declarative-manifest", "read", *files, "--manifest-path", str(RIVALS / "airbyte.yaml")]


def _airbyte(folder: Path) -> list[str]:
    airbyte_catalog(folder, ["scheduled_events"], "full_refresh")
    return airbyte_command(folder)


def _airbyte_records(folder: Path) -> Iterator[Any]:
    return (line["record"]["data"] for line in lines(folder / "out") if line["type"] == "RECORD")


def _singer(folder: Path) -> list[str]:
    return ["python", str(RIVALS / "singer_tap.py"), "--config", str(folder / "config.json")]


def _singer_records(folder: Path) -> Iterator[Any]:
    return (line["record"] for line in lines(folder / "out") if line["type"] == "RECORD")


def _dlt(folder: Path) -> list[str]:
    return ["python", str(RIVALS / "dlt_pipeline.py"), str(folder)]


def _dlt_records(folder: Path) -> Iterator[Any]:
    for path in sorted((folder / "loaded").glob("*/scheduled_events/*.jsonl")):
        for record in lines(path):
            yield {name: value for name, value in record.items() if not name.startswith("_dlt_")}


def _dlt_extract(folder: Path) -> list[str]:
    return [*_dlt(folder), "extract"]


def _dlt_extracted(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("work/calendly/normalize/extracted/*/new_jobs/scheduled_events.*jsonl")):
        for page in lines(path):
            yield from page


FRAMEWORKS = (
    Framework("Airbyte", "airbyte-cdk", _airbyte, _airbyte_records),
    Framework("Singer SDK", "singer-sdk", _singer, _singer_records),
    Framework("dlt", "dlt", _dlt, _dlt_records),
    Framework("dlt, extract step only", "dlt", _dlt_extract, _dlt_extracted),
)
