CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE login_codes (
    code_hash BYTEA PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);

CREATE TABLE sessions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    secret_hash BYTEA NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE api_tokens (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    hint TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX api_tokens_of_user ON api_tokens (user_id, created_at, id);

CREATE TABLE projects (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id BIGINT NOT NULL REFERENCES users (id),
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    settings JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX projects_of_owner ON projects (owner_id, created_at, id);

CREATE TABLE deployments (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    branch TEXT COLLATE "C",
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    commit_sha TEXT,
    commit_message TEXT,
    settings JSONB NOT NULL,
    file_count BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    error_code TEXT,
    error_message TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deployed_at TIMESTAMPTZ,
    deadline_at TIMESTAMPTZ
);
CREATE INDEX deployments_of_project ON deployments (project_id, created_at, id);
CREATE INDEX deployments_by_status ON deployments (project_id, status, id);
CREATE INDEX deployments_unfinished ON deployments (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE TABLE deployment_logs (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id),
    seq BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (deployment_id, seq)
);

CREATE TABLE blobs (
    project_id BIGINT NOT NULL REFERENCES projects (id),
    sha256 BYTEA NOT NULL,
    size_bytes BIGINT NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (project_id, sha256)
);

-- branch is empty where there is none: a NULL would not clash with itself in the unique indexes.
CREATE TABLE releases (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    branch TEXT COLLATE "C" NOT NULL,
    deployment_id BIGINT NOT NULL REFERENCES deployments (id),
    generation BIGINT NOT NULL,
    kind TEXT NOT NULL,
    held BOOLEAN NOT NULL,
    in_force BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX releases_generation ON releases (project_id, environment, branch, generation);
CREATE UNIQUE INDEX releases_in_force ON releases (project_id, environment, branch) WHERE in_force;
CREATE INDEX releases_of_deployment ON releases (deployment_id) WHERE in_force;

-- The name of a platform hostname is its label, so that the base domain can change; a custom one stands in full.
CREATE TABLE hostnames (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    environment TEXT,
    branch TEXT COLLATE "C" NOT NULL,
    deployment_id BIGINT REFERENCES deployments (id),
    automatic BOOLEAN NOT NULL,
    reserved_until TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX hostnames_of_project ON hostnames (project_id, id);
CREATE INDEX hostnames_of_deployment ON hostnames (deployment_id) WHERE deployment_id IS NOT NULL;

CREATE TABLE jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL,
    subject BIGINT NOT NULL,
    payload JSONB NOT NULL,
    state TEXT NOT NULL,
    run_at TIMESTAMPTZ NOT NULL,
    deadline_at TIMESTAMPTZ NOT NULL,
    attempts BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    lease_until TIMESTAMPTZ,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX jobs_due ON jobs (state, run_at, id);
CREATE INDEX jobs_of_subject ON jobs (kind, subject, state);

CREATE TABLE edge_kv (
    key TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA,
    generation BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX edge_kv_version ON edge_kv (version);

CREATE TABLE counters (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('routes', 0), ('edge_kv', 0);

CREATE TABLE meta (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);
