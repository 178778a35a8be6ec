"""Fills a database of Miaobu: copies of the project "seed" and of its deployment, so that every column is as the server writes it.

seed.py DATABASE_URL PROJECTS DEPLOYMENTS_OF_EACH
"""

import asyncio
import sys

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

# What the server keeps beside each project, as its migration finds it out.
SUMMARISE = """UPDATE projects SET
    active_deployment_id = (SELECT releases.deployment_id FROM releases
        WHERE releases.project_id = projects.id AND releases.environment = 'production' AND releases.in_force),
    production_status = (SELECT newest.status FROM deployments AS newest
        WHERE newest.project_id = projects.id AND newest.environment = 'production' ORDER BY newest.id DESC LIMIT 1)"""


async def main(url: str, projects: int, each: int) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:

        def columns(table: str, *without: str):
            def names(sync):
                return [column["name"] for column in inspect(sync).get_columns(table) if column["name"] not in ("id", *without)]

            return connection.run_sync(names)

        numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {})"

        async def copy(table: str, count: int, changed: dict[str, str], source: str) -> None:
            kept = await columns(table, *changed)
            names = ", ".join([*kept, *changed])
            values = ", ".join([*(f"{table}.{name}" for name in kept), *changed.values()])
            statement = f"{numbers.format(count)} INSERT INTO {table} ({names}) SELECT {values} FROM {source}"
            await connection.execute(text(statement))

        await copy("projects", projects, {"slug": "'bench-' || n"}, "projects, numbers WHERE projects.slug = 'seed'")
        await copy(
            "deployments",
            each,
            {"project_id": "copies.id"},
            "deployments JOIN projects AS seed ON seed.id = deployments.project_id AND seed.slug = 'seed', numbers, "
            "projects AS copies WHERE copies.slug LIKE 'bench-%'",
        )
        await copy(
            "releases",
            1,
            {
                "project_id": "copies.id",
                "deployment_id": "(SELECT MAX(newest.id) FROM deployments AS newest WHERE newest.project_id = copies.id)",
            },
            "releases JOIN projects AS seed ON seed.id = releases.project_id AND seed.slug = 'seed', numbers, "
            "projects AS copies WHERE copies.slug LIKE 'bench-%'",
        )
        await connection.execute(text(SUMMARISE))
        # PostgreSQL does so by itself after a while; nobody does it in SQLite.
        if engine.dialect.name == "postgresql":
            await connection.execute(text("ANALYZE"))
    await engine.dispose()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
