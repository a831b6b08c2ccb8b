"""A Chromium that opens an address and prints the value of the script on standard input, once it is true.

python chromium_page.py FOLDER ADDRESS

A process of its own, because the shell that starts Chromium only knows files by one digit.
"""

import sys

from chromium_person import Chromium


def main(folder, address):
    chromium = Chromium(folder)
    try:
        chromium.open(address)
        value = chromium.wait_for(sys.stdin.read())
    except BaseException:
        chromium.process.kill()
        raise
    chromium.close()
    sys.stdout.write(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
