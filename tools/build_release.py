"""Build the sdist and, from it, the wheel into a folder, with the same bytes for the same commit.

    SOURCE_DATE_EPOCH=… python tools/build_release.py FOLDER

The backend writes times, modes and owners of this machine's files into the sdist, so it is packed again. The
modes of the wheel's files follow from the umask.
"""

import gzip
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parent.parent


def main(arguments: list[str]) -> int:
    """Build both files, and print their paths."""
    folder = Path(arguments[0]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)
    with TemporaryDirectory() as name:
        work = Path(name)
        _build("--sdist", ROOT, work)
        built = next(work.glob("*.tar.gz"))
        sdist = folder / built.name
        sdist.write_bytes(packed_again(built.read_bytes(), int(os.environ["SOURCE_DATE_EPOCH"])))
        with tarfile.open(sdist) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.3 has none
            archive.extractall(work)  # noqa: S202 - our own
        _build("--wheel", work / built.name.removesuffix(".tar.gz"), folder)
    for path in sorted(folder.iterdir()):
        print(path)
    return 0


def _build(kind: str, source: Path, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "build", kind, "--outdir", folder, source], check=True)


def packed_again(sdist: bytes, time_s: int) -> bytes:
    """Return a sdist with the same files in the order of their names, and nothing of the machine."""
    plain, packed = BytesIO(), BytesIO()
    with (
        tarfile.open(fileobj=BytesIO(sdist)) as before,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as after,
    ):
        for member in sorted(before.getmembers(), key=lambda member: member.name):
            entry = tarfile.TarInfo(member.name)
            entry.type, entry.size, entry.mtime = member.type, member.size, time_s
            entry.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            after.addfile(entry, before.extractfile(member))
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=time_s) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
