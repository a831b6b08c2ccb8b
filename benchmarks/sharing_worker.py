"""A process that sends requests as fast as its limit allows: python sharing_worker.py URL SPEED UNTIL.

Prints the number of answers. Its clock and that of the sandbox run SPEED times as fast as the machine's;
UNTIL is the machine's unix time.
"""

import sys
import time

from calendly_connector.plugin import connector

from virtual_time import FastClock


def main() -> None:
    """Send requests until the time is over."""
    origin, speed, until = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    clock = FastClock(speed)
    credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
    answers = 0
    with connector.connect(
        credential, origin=origin, clock=clock, monotonic=clock, sleep=clock.sleep
    ) as connection:
        while time.time() < until:
            connection.run("users.me")
            answers += time.time() < until
    print(answers)


if __name__ == "__main__":
    main()
