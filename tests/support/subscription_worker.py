"""Child processes for the tests of subscriptions: subscribe at the same time, or be killed at a step.

    python subscription_worker.py subscribe               print "ready", wait for a line, subscribe, print it
    python subscription_worker.py crash CHANGE STEP [ID]  make the change, and be killed at the STEP-th step

A step is the moment before or after each change of the vault and each call to Calendly. `crash` prints
"done" if the change completes before that step.
"""

import json
import os
import signal
import sys
from dataclasses import asdict

from calendly_connector.auth.vault import open_vault
from calendly_connector.events.subscriptions import Subscriptions, VaultStore
from calendly_connector.plugin import connector
from subscribing import EVENTS


class KillAtStep:
    """Forwards calls, and kills this process before or after one of the `counted` ones."""

    left = 0

    def __init__(self, inner, counted):
        self._inner = inner
        self._counted = counted

    def __getattr__(self, name):
        inner = getattr(self._inner, name)
        if name not in self._counted:
            return inner

        def counted(*arguments, **named):
            self._count_step()
            result = inner(*arguments, **named)
            self._count_step()
            return result

        return counted

    def _count_step(self):
        KillAtStep.left -= 1
        if KillAtStep.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(command, *arguments):
    callback = os.environ["CALLBACK"]
    token = {"kind": "personal_access_token", "token": os.environ["CALENDLY_API_TOKEN"]}
    with connector.connect(token) as connection:
        if command == "subscribe":
            say("ready")
            sys.stdin.readline()
            (subscription,) = connection.subscribe(EVENTS, callback)
            say(json.dumps(asdict(subscription)))
            return
        change, step, *rest = arguments
        KillAtStep.left = int(step)
        subscriptions = Subscriptions(
            KillAtStep(connection, {"run"}), KillAtStep(VaultStore(open_vault()), {"put", "delete"})
        )
        if change == "subscribe":
            subscriptions.subscribe(EVENTS, callback)
        elif change == "prune":
            subscriptions.prune(subscriptions.audit(), lambda _finding: True)
        else:
            getattr(subscriptions, change)(*rest)
        say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
