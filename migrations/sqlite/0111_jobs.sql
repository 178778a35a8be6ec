-- rank_at is run_at put off by as much as jobs of its kind give way to others; older servers leave it out.
ALTER TABLE jobs ADD COLUMN rank_at TEXT;
ALTER TABLE jobs ADD COLUMN project_id INTEGER;
ALTER TABLE jobs ADD COLUMN died_at TEXT;
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_running ON jobs (kind, project_id) WHERE state = 'running';

-- Operators see and mend what belongs to no team. The first person is one.
ALTER TABLE users ADD COLUMN operator INTEGER NOT NULL DEFAULT FALSE;
UPDATE users SET operator = TRUE WHERE id = (SELECT MIN(first.id) FROM users AS first);
