-- The number of a deployment's last line, also when that is not kept any more, and how many bytes are kept.
ALTER TABLE deployments ADD COLUMN log_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN log_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE deployments SET
    log_seq = COALESCE((SELECT MAX(seq) FROM deployment_logs WHERE deployment_id = deployments.id), 0),
    log_bytes = COALESCE((SELECT SUM(OCTET_LENGTH(text)) FROM deployment_logs WHERE deployment_id = deployments.id), 0);
CREATE INDEX deployment_logs_by_age ON deployment_logs (at);
CREATE INDEX deployments_with_logs ON deployments (created_at, id, log_bytes) WHERE log_bytes > 0;

-- The trace (W3C Trace Context) that queued the job.
ALTER TABLE jobs ADD COLUMN traceparent TEXT;
