-- Whether the files of a deployment are stored in other codings as well, and its site blob says so.
ALTER TABLE deployments ADD COLUMN refined BOOLEAN NOT NULL DEFAULT FALSE;
