ALTER TABLE users ADD COLUMN name TEXT COLLATE "C";
ALTER TABLE users ADD COLUMN email TEXT COLLATE "C";
ALTER TABLE users ADD COLUMN password_hash TEXT;
CREATE UNIQUE INDEX users_email ON users (email) WHERE email IS NOT NULL;

CREATE TABLE identities (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    provider TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX identities_subject ON identities (provider, subject);
CREATE INDEX identities_of_user ON identities (user_id);

-- personal_of names the user whose own team it is; everybody has one.
CREATE TABLE teams (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    personal_of BIGINT UNIQUE REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE team_members (
    team_id BIGINT NOT NULL REFERENCES teams (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_of_user ON team_members (user_id, team_id);

CREATE TABLE team_invitations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id BIGINT NOT NULL REFERENCES teams (id),
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    invited_by BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX team_invitations_of_team ON team_invitations (team_id, created_at, id);

INSERT INTO teams (name, personal_of, created_at, updated_at)
    SELECT login, id, created_at, created_at FROM users ORDER BY id;
INSERT INTO team_members (team_id, user_id, role, created_at)
    SELECT id, personal_of, 'owner', created_at FROM teams;

ALTER TABLE projects ADD COLUMN team_id BIGINT REFERENCES teams (id);
ALTER TABLE projects ADD COLUMN deleted_at TIMESTAMPTZ;
UPDATE projects SET team_id = (SELECT teams.id FROM teams WHERE teams.personal_of = projects.owner_id);
CREATE INDEX projects_of_team ON projects (team_id, created_at, id);

-- Empty scopes stand for all of them: tokens of before scopes had all.
ALTER TABLE api_tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN bound BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE api_token_projects (
    token_id BIGINT NOT NULL REFERENCES api_tokens (id),
    project_id BIGINT NOT NULL REFERENCES projects (id),
    PRIMARY KEY (token_id, project_id)
);

-- The key itself is not kept: scope is the digest of the caller, the route and the key.
CREATE TABLE idempotency_keys (
    scope BYTEA PRIMARY KEY,
    state TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until TIMESTAMPTZ NOT NULL,
    body_hash BYTEA,
    answer BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);

CREATE TABLE audit_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id BIGINT REFERENCES teams (id),
    project_id BIGINT REFERENCES projects (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    token_id BIGINT,
    action TEXT COLLATE "C" NOT NULL,
    path TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX audit_events_of_team ON audit_events (team_id, created_at, id);

ALTER TABLE deployments ADD COLUMN deleted_at TIMESTAMPTZ;
