CREATE INDEX deployments_of_commit ON deployments (project_id, commit_sha, id) WHERE commit_sha IS NOT NULL;
