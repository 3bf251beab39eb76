-- Webhooks: whom an organization tells of what happens, and what was to be told. docs/data-model.md explains both.

CREATE TABLE webhooks (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    webhook_id TEXT NOT NULL,
    url TEXT NOT NULL,
    events JSONB NOT NULL,
    description TEXT NOT NULL,
    secret BYTEA NOT NULL,
    old_secret BYTEA,
    old_secret_until BIGINT,
    active BOOLEAN NOT NULL,
    failing_since BIGINT,
    paused_until BIGINT,
    last_error TEXT,
    waiting BIGINT NOT NULL CHECK (waiting >= 0),
    next_number BIGINT NOT NULL,
    job_id TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, webhook_id)
);

CREATE TABLE webhook_deliveries (
    organization_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    delivery_id TEXT NOT NULL,
    event TEXT NOT NULL,
    payload BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'failed')),
    attempts BIGINT NOT NULL,
    first_tried_at BIGINT,
    next_at BIGINT NOT NULL,
    ended_at BIGINT,
    response_status BIGINT,
    response_head BYTEA,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, webhook_id, number),
    UNIQUE (organization_id, delivery_id),
    FOREIGN KEY (organization_id, webhook_id) REFERENCES webhooks (organization_id, webhook_id)
);
CREATE INDEX webhook_deliveries_queued ON webhook_deliveries (organization_id, webhook_id, number)
    WHERE state = 'queued';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (organization_id, ended_at) WHERE ended_at IS NOT NULL;
