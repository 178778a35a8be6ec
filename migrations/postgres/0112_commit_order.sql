-- Where a commit stands in its branch: a larger one is newer.
ALTER TABLE deployments ADD COLUMN commit_sequence BIGINT;

-- The newest deployment of an environment is asked for with every step of a deployment.
CREATE INDEX deployments_of_environment ON deployments (project_id, environment, id) WHERE deleted_at IS NULL;
