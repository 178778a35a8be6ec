-- Each change of an environment's env vars keeps a version of the whole set.
CREATE TABLE env_vars (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX env_vars_name ON env_vars (project_id, environment, name);
CREATE INDEX env_vars_of_project ON env_vars (project_id, created_at, id);
CREATE INDEX env_vars_by_key ON env_vars (key_id, id);

CREATE TABLE env_versions (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (project_id, environment, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX env_versions_by_key ON env_versions (key_id);

ALTER TABLE deployments ADD COLUMN env_version INTEGER NOT NULL DEFAULT 0;

-- A verified one has a row in hostnames as well; several projects may claim a name until one proves it.
CREATE TABLE domains (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    proof TEXT NOT NULL,
    environment TEXT NOT NULL,
    deployment_id INTEGER REFERENCES deployments (id),
    verified_at TEXT,
    esa_saas_id TEXT,
    esa_status TEXT NOT NULL,
    ssl_status TEXT NOT NULL,
    icp_required INTEGER NOT NULL,
    released_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX domains_of_project ON domains (project_id, created_at, id);
CREATE UNIQUE INDEX domains_name ON domains (project_id, name) WHERE released_at IS NULL;

CREATE INDEX deployments_of_environment ON deployments (project_id, environment, id);
