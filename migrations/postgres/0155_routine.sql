-- What operators had done with the routine. What ESA runs, ESA says.
CREATE TABLE publications (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    routine TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    commit_sha TEXT NOT NULL,
    code_hash TEXT,
    version TEXT,
    step TEXT,
    error_code TEXT,
    error TEXT,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    deadline_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ
);
CREATE INDEX publications_by_age ON publications (created_at, id);
-- Two at once would take each other's shares of production away.
CREATE UNIQUE INDEX publications_unfinished ON publications (routine) WHERE finished_at IS NULL;
