"""The commands of docs/hosts/mistral.md, from an empty database to a running workflow."""

import os
import signal
import subprocess
from contextlib import contextmanager

import postgres
import pytest
import rabbitmq
import rest
from conftest import TOKEN, free_port, own_environment
from doc_pages import commands, run_by
from locations import DOCS

BLOCKS = run_by(__file__, DOCS / "hosts/mistral.md")
CONFIG, *_ = [block.text for block in BLOCKS if block.language == "ini"]
STORE, START, TRY, EXAMPLES = [block for block in BLOCKS if block.language == "console"]


class Person:
    """Somebody who does what the page says, with this machine's addresses in place of its own."""

    def __init__(self, folder, places, environment):
        self.folder, self.places, self.environment = folder, places, environment

    def there(self, text):
        for shown, actual in self.places.items():
            text = text.replace(shown, actual)
        return text

    def run(self, block, typed=""):
        """Run all commands of a block in one shell, which ends at the first that fails."""
        script = "\n".join(["set -e", *(self.there(command.text) for command in commands(block))])
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=rest.WAIT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def server(self, command):
        """Run the page's server until the block ends."""
        with (self.folder / "server.out").open("wb") as output:
            running = subprocess.Popen(
                ["/bin/bash", "-c", command],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                yield running
            finally:
                os.killpg(running.pid, signal.SIGKILL)  # it forks
                running.wait()


@pytest.fixture(scope="module")
def person(world, postgres_server, tmp_path_factory):
    """Yield a person whose server, started as the page says, answers."""
    binaries = rabbitmq.programs()
    if binaries is None:
        assert os.environ.get("CI") != "true", "RabbitMQ is not installed: sh .ci/have rabbitmq"
        pytest.skip("RabbitMQ is not installed: sh .ci/have rabbitmq")
    folder = tmp_path_factory.mktemp("page")
    port = free_port()
    database = postgres.new_database(postgres_server.replace("+psycopg:", "+psycopg2:"), "mistral_page")
    environment = {**own_environment(folder), "CALENDLY_API_URL": world.url, "CALENDLY_CREDENTIAL": "work"}
    with rabbitmq.broker(binaries, [free_port() for _ in range(3)]) as transport:
        places = {
            "rabbit://guest:guest@127.0.0.1:5672/": transport,
            "postgresql+psycopg2://mistral@127.0.0.1/mistral": database,
            "host = 127.0.0.1": f"host = 127.0.0.1\nport = {port}",
            "http://127.0.0.1:8989": f"http://127.0.0.1:{port}",
        }
        somebody = Person(folder, places, environment)
        (folder / "mistral.conf").write_text(somebody.there(CONFIG))
        somebody.run(STORE, TOKEN)
        create, serve = [command.text for command in commands(START)]
        subprocess.run(
            ["/bin/bash", "-c", create], cwd=folder, env=environment, check=True, capture_output=True
        )
        with somebody.server(serve):
            api = rest.Rest(f"http://127.0.0.1:{port}")
            rest.wait_for(api.answers)
            api.client.close()
            yield somebody


def test_the_commands_of_the_page_work_from_top_to_bottom(person):
    shown = person.run(TRY)
    assert "calendly.users.me" in shown
    assert "Ada Okafor" in shown
    person.environment["OS_MISTRAL_URL"] = person.there("http://127.0.0.1:8989/v2")
    assert "calendly_bookings.poll" in person.run(EXAMPLES)
