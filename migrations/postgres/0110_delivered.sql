-- The version of a value that the edge elsewhere has: it is delivered anew while the value's own version is larger.
ALTER TABLE edge_kv ADD COLUMN delivered BIGINT NOT NULL DEFAULT 0;
