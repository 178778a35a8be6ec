-- Where a commit stands in its branch: a larger one is newer.
ALTER TABLE deployments ADD COLUMN commit_sequence BIGINT;
