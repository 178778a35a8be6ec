-- Who sees the hostnames of a project's environment. The key signs cookies and share links at the edge; of a password
-- there is only what recognises it.
CREATE TABLE protections (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    target TEXT NOT NULL,
    signing_key BYTEA NOT NULL,
    password_salt BYTEA,
    password_rounds BIGINT,
    password_verifier BYTEA,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (project_id, target)
);

CREATE TABLE share_links (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    target TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX share_links_of_project ON share_links (project_id, id) WHERE revoked_at IS NULL;

CREATE TABLE bypass_tokens (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX bypass_tokens_of_project ON bypass_tokens (project_id, id) WHERE revoked_at IS NULL;

CREATE TABLE splits (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    deployment_id BIGINT NOT NULL REFERENCES deployments (id),
    percent BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX splits_in_force ON splits (project_id, environment) WHERE ended_at IS NULL;

-- How old a deployment may be that visitors stay with; NULL where they can't.
ALTER TABLE projects ADD COLUMN skew_max_age_seconds BIGINT;
