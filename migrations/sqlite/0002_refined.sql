-- Whether the files of a deployment are stored in other codings as well, and its site blob says so.
ALTER TABLE deployments ADD COLUMN refined INTEGER NOT NULL DEFAULT 0;
