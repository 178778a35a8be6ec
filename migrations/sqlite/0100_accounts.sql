ALTER TABLE users ADD COLUMN name TEXT;
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN password_hash TEXT;
CREATE UNIQUE INDEX users_email ON users (email) WHERE email IS NOT NULL;

CREATE TABLE identities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX identities_subject ON identities (provider, subject);
CREATE INDEX identities_of_user ON identities (user_id);

-- personal_of names the user whose own team it is; everybody has one.
CREATE TABLE teams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    personal_of INTEGER UNIQUE REFERENCES users (id),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE team_members (
    team_id INTEGER NOT NULL REFERENCES teams (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_members_of_user ON team_members (user_id, team_id);

CREATE TABLE team_invitations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER NOT NULL REFERENCES teams (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    invited_by INTEGER NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX team_invitations_of_team ON team_invitations (team_id, created_at, id);

INSERT INTO teams (name, personal_of, created_at, updated_at)
    SELECT login, id, created_at, created_at FROM users ORDER BY id;
INSERT INTO team_members (team_id, user_id, role, created_at)
    SELECT id, personal_of, 'owner', created_at FROM teams;

ALTER TABLE projects ADD COLUMN team_id INTEGER REFERENCES teams (id);
ALTER TABLE projects ADD COLUMN deleted_at TEXT;
UPDATE projects SET team_id = (SELECT teams.id FROM teams WHERE teams.personal_of = projects.owner_id);
CREATE INDEX projects_of_team ON projects (team_id, created_at, id);

-- Empty scopes stand for all of them: tokens of before scopes had all.
ALTER TABLE api_tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN bound INTEGER NOT NULL DEFAULT 0;
CREATE TABLE api_token_projects (
    token_id INTEGER NOT NULL REFERENCES api_tokens (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    PRIMARY KEY (token_id, project_id)
) STRICT, WITHOUT ROWID;

-- The key itself is not kept: scope is the digest of the caller, the route and the key.
CREATE TABLE idempotency_keys (
    scope BLOB PRIMARY KEY,
    state TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until TEXT NOT NULL,
    body_hash BLOB,
    answer BLOB,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);

CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id INTEGER REFERENCES teams (id),
    project_id INTEGER REFERENCES projects (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    token_id INTEGER,
    action TEXT NOT NULL,
    path TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_of_team ON audit_events (team_id, created_at, id);

ALTER TABLE deployments ADD COLUMN deleted_at TEXT;
