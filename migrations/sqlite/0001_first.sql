CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE login_codes (
    code_hash BLOB PRIMARY KEY,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    secret_hash BLOB NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT,
    revoked_at TEXT
) STRICT;
CREATE INDEX api_tokens_of_user ON api_tokens (user_id, created_at, id);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL REFERENCES users (id),
    slug TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX projects_of_owner ON projects (owner_id, created_at, id);

CREATE TABLE deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    branch TEXT,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    commit_sha TEXT,
    commit_message TEXT,
    settings TEXT NOT NULL,
    file_count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    error_code TEXT,
    error_message TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deployed_at TEXT,
    deadline_at TEXT
) STRICT;
CREATE INDEX deployments_of_project ON deployments (project_id, created_at, id);
CREATE INDEX deployments_by_status ON deployments (project_id, status, id);
CREATE INDEX deployments_unfinished ON deployments (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE TABLE deployment_logs (
    deployment_id INTEGER NOT NULL REFERENCES deployments (id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (deployment_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    sha256 BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    last_used_at TEXT NOT NULL,
    PRIMARY KEY (project_id, sha256)
) STRICT, WITHOUT ROWID;

-- branch is empty where there is none: a NULL would not clash with itself in the unique indexes.
CREATE TABLE releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    branch TEXT NOT NULL,
    deployment_id INTEGER NOT NULL REFERENCES deployments (id),
    generation INTEGER NOT NULL,
    kind TEXT NOT NULL,
    held INTEGER NOT NULL,
    in_force INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX releases_generation ON releases (project_id, environment, branch, generation);
CREATE UNIQUE INDEX releases_in_force ON releases (project_id, environment, branch) WHERE in_force;
CREATE INDEX releases_of_deployment ON releases (deployment_id) WHERE in_force;

-- The name of a platform hostname is its label, so that the base domain can change; a custom one stands in full.
CREATE TABLE hostnames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment TEXT,
    branch TEXT NOT NULL,
    deployment_id INTEGER REFERENCES deployments (id),
    automatic INTEGER NOT NULL,
    reserved_until TEXT,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX hostnames_of_project ON hostnames (project_id, id);
CREATE INDEX hostnames_of_deployment ON hostnames (deployment_id) WHERE deployment_id IS NOT NULL;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at TEXT NOT NULL,
    deadline_at TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    lease_until TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_due ON jobs (state, run_at, id);
CREATE INDEX jobs_of_subject ON jobs (kind, subject, state);

CREATE TABLE edge_kv (
    key TEXT PRIMARY KEY,
    value BLOB,
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX edge_kv_version ON edge_kv (version);

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('routes', 0), ('edge_kv', 0);

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
