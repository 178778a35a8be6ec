-- What a list of projects says of their deployments, kept beside them: to find it out takes longer than the rest of the list.
ALTER TABLE projects ADD COLUMN active_deployment_id BIGINT;
ALTER TABLE projects ADD COLUMN production_status TEXT;
ALTER TABLE projects ADD COLUMN staging_status TEXT;
ALTER TABLE projects ADD COLUMN staging_active BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE projects SET
    active_deployment_id = (SELECT releases.deployment_id FROM releases
        WHERE releases.project_id = projects.id AND releases.environment = 'production' AND releases.branch = ''
          AND releases.in_force),
    production_status = (SELECT newest.status FROM deployments AS newest
        WHERE newest.project_id = projects.id AND newest.environment = 'production' AND newest.deleted_at IS NULL
        ORDER BY newest.id DESC LIMIT 1),
    staging_status = (SELECT newest.status FROM deployments AS newest
        WHERE newest.project_id = projects.id AND newest.environment = 'staging' AND newest.deleted_at IS NULL
        ORDER BY newest.id DESC LIMIT 1),
    staging_active = EXISTS (SELECT 1 FROM releases
        WHERE releases.project_id = projects.id AND releases.environment = 'staging' AND releases.branch = ''
          AND releases.in_force);
