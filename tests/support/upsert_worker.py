"""A process that upserts rows as flows do, into a table and columns that may not exist yet."""

import sys

from calendly_connector.agent.destinations.sql import connector


def main(url, name, times):
    with connector.connect({"kind": "database", "url": url}) as connection:
        for number in range(int(times)):
            records = [{"id": "shared", name: number}, {"id": f"{name}-{number}", f"c{number}": True}]
            connection.run("sql.upsert", {"table": "t", "key": ["id"], "records": records})


if __name__ == "__main__":
    main(*sys.argv[1:])
