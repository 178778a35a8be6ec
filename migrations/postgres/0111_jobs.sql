-- rank_at is run_at put off by as much as jobs of its kind give way to others; older servers leave it out.
ALTER TABLE jobs ADD COLUMN rank_at TIMESTAMPTZ;
ALTER TABLE jobs ADD COLUMN project_id BIGINT;
ALTER TABLE jobs ADD COLUMN died_at TIMESTAMPTZ;
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_running ON jobs (kind, project_id) WHERE state = 'running';

-- Operators see and mend what belongs to no team. The first person is one.
ALTER TABLE users ADD COLUMN operator BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE users SET operator = TRUE WHERE id = (SELECT MIN(first.id) FROM users AS first);

-- What servers tell each other, once it is committed. Only rows that really change are told of: a statement that found
-- nothing to do would otherwise wake everybody, and be repeated by all of them.
CREATE FUNCTION miaobu_announce() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    IF TG_TABLE_NAME = 'deployments' THEN
        PERFORM pg_notify('miaobu', 'deployment ' || changed.id);
    ELSIF TG_TABLE_NAME = 'deployment_logs' THEN
        PERFORM pg_notify('miaobu', 'deployment ' || changed.deployment_id);
    ELSIF TG_TABLE_NAME = 'counters' THEN
        PERFORM pg_notify('miaobu', 'edge_kv');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('miaobu', 'deployment ' || changed.subject);
    ELSE
        PERFORM pg_notify('miaobu', 'job');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_queued AFTER INSERT OR UPDATE OF state ON jobs
    FOR EACH ROW WHEN (NEW.state = 'queued') EXECUTE FUNCTION miaobu_announce();
CREATE TRIGGER jobs_deployed AFTER DELETE ON jobs
    FOR EACH ROW WHEN (OLD.kind = 'deploy') EXECUTE FUNCTION miaobu_announce();
CREATE TRIGGER deployments_changed AFTER UPDATE OF status ON deployments
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION miaobu_announce();
CREATE TRIGGER deployment_logs_written AFTER INSERT ON deployment_logs
    FOR EACH ROW EXECUTE FUNCTION miaobu_announce();
CREATE TRIGGER edge_kv_written AFTER UPDATE ON counters
    FOR EACH ROW WHEN (NEW.name = 'edge_kv') EXECUTE FUNCTION miaobu_announce();
