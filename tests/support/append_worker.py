"""A process that appends to a file as flows do, batch after batch; tests kill it."""

import json
import sys

from calendly_connector.agent.destinations.file import connector


def batch(name, number, size):
    """Return the inputs of an append: `size` lines that say so, so that a part of them can be recognized."""
    texts = ("plain", "with, comma", 'with "quotes"', "two\nlines", "=1+1", "ü" * 50)
    return [
        {"batch": f"{name}-{number}", "line": line, "of": size, "text": texts[line % len(texts)]}
        for line in range(size)
    ]


def main(folder, path, name, size):
    with connector.connect({"kind": "folder", "path": folder}) as connection:
        for line in sys.stdin:
            number = int(line)
            inputs = {"path": path, "key": f"{name}-{number}", "records": batch(name, number, int(size))}
            written = connection.run("file.append", inputs).record
            sys.stdout.write(f"{json.dumps([number, written['lines']])}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
