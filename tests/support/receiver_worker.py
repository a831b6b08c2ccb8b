"""A receiver with its inbox and a handler that writes ids to a file and fails one time in ten.

python receiver_worker.py INBOX LOG
"""

import os
import random
import sys
import threading

from calendly_connector.events.dispatcher import Dispatcher
from calendly_connector.events.inbox import open_inbox
from calendly_connector.events.webhooks.asgi import asgi
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.events.webhooks.server import serve
from receivers import KEY

LEASE_S = 0.5


def main(inbox_path, log):
    inbox = open_inbox(inbox_path)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def handle(event):
        if random.random() < 0.1:  # noqa: S311 - any of them may fail
            raise RuntimeError
        os.write(written, f"{event.id}\n".encode())

    dispatcher = Dispatcher(inbox, handle, lease_s=LEASE_S)
    threading.Thread(target=dispatcher.run, args=(threading.Event(),), daemon=True).start()
    receiver = Receiver(inbox, [KEY], on_new=dispatcher.wake)
    serve(asgi(receiver), "127.0.0.1", 0, announce)


def announce(url, _stop):
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
