-- Rates, idempotency keys and schedules; and leases that are judged by their heartbeats instead of by anybody's clock.

-- A lease is alive while lease_beats moves; lease_ms is how long it may stand still. queued_at is when the job was last
-- put into the queue, by the clock that also wrote run_at.
DROP INDEX jobs_running;
ALTER TABLE jobs DROP COLUMN lease_until;
ALTER TABLE jobs ADD COLUMN lease_beats BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN lease_ms BIGINT NOT NULL DEFAULT 30000;
ALTER TABLE jobs ADD COLUMN queued_at BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET queued_at = created_at;
CREATE INDEX jobs_running ON jobs (job_id) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (organization_id, job_id) WHERE dead;

CREATE TABLE schedules (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    args JSONB NOT NULL,
    every_ms BIGINT NOT NULL CHECK (every_ms >= 1000),
    offset_ms BIGINT NOT NULL CHECK (offset_ms >= 0 AND offset_ms < every_ms),
    next_at BIGINT NOT NULL,
    last_at BIGINT,
    PRIMARY KEY (organization_id, name)
);
CREATE INDEX schedules_due ON schedules (next_at);

CREATE TABLE rate_limits (
    bucket TEXT PRIMARY KEY,
    full_at_us BIGINT NOT NULL,
    granted BIGINT NOT NULL
);
CREATE INDEX rate_limits_by_age ON rate_limits (full_at_us);

CREATE TABLE idempotency_keys (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    slot TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    subject TEXT NOT NULL,
    status BIGINT,
    headers JSONB,
    body BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, slot)
);
CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
