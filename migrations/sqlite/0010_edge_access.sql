-- Who sees the hostnames of a project's environment. The key signs cookies and share links at the edge; of a password
-- there is only what recognises it.
CREATE TABLE protections (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    target TEXT NOT NULL,
    signing_key BLOB NOT NULL,
    password_salt BLOB,
    password_rounds INTEGER,
    password_verifier BLOB,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (project_id, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE share_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    target TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE INDEX share_links_of_project ON share_links (project_id, id) WHERE revoked_at IS NULL;

CREATE TABLE bypass_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE INDEX bypass_tokens_of_project ON bypass_tokens (project_id, id) WHERE revoked_at IS NULL;

CREATE TABLE splits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    deployment_id INTEGER NOT NULL REFERENCES deployments (id),
    percent INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE UNIQUE INDEX splits_in_force ON splits (project_id, environment) WHERE ended_at IS NULL;

-- How old a deployment may be that visitors stay with; NULL where they can't.
ALTER TABLE projects ADD COLUMN skew_max_age_seconds INTEGER;
