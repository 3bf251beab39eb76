-- What the first line needs: organizations, jobs, blobs, certificates, the transparency log, keys and the audit trail.
-- One text for SQLite and PostgreSQL. Times are UTC in milliseconds since 1970; JSONB columns hold objects or arrays
-- only, because SQLite gives them numeric affinity. docs/data-model.md explains every table.

CREATE TABLE organizations (
    organization_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    kind TEXT NOT NULL,
    unique_key TEXT,
    args JSONB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    dead BOOLEAN NOT NULL,
    priority BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL CHECK (attempts_max >= 1),
    lease_owner TEXT,
    lease_until BIGINT,
    lease_token BIGINT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    step TEXT NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    result JSONB,
    error JSONB,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    UNIQUE (organization_id, kind, unique_key)
);
CREATE INDEX jobs_queued ON jobs (priority, run_at, job_id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_by_organization ON jobs (organization_id, job_id);

CREATE TABLE blobs (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'deleting')),
    created_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, sha256)
);
CREATE INDEX blobs_by_age ON blobs (touched_at);

CREATE TABLE blob_holds (
    organization_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (organization_id, sha256, holder),
    FOREIGN KEY (organization_id, sha256) REFERENCES blobs (organization_id, sha256)
);
CREATE INDEX blob_holds_by_holder ON blob_holds (organization_id, holder);

CREATE TABLE certificate_numbers (
    year BIGINT PRIMARY KEY,
    last_number BIGINT NOT NULL
);

CREATE TABLE certificates (
    certificate_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    job_id TEXT NOT NULL UNIQUE,
    schema_version BIGINT NOT NULL,
    body BYTEA NOT NULL,
    sha256 TEXT NOT NULL,
    status TEXT NOT NULL,
    score DOUBLE PRECISION,
    model_name TEXT NOT NULL,
    organization_name TEXT NOT NULL,
    domain TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    commitment_leaf_index BIGINT,
    result_leaf_index BIGINT NOT NULL UNIQUE,
    revoked_at BIGINT,
    revocation_reason TEXT,
    revocation_envelope BYTEA,
    revocation_leaf_index BIGINT UNIQUE
);
CREATE INDEX certificates_by_organization ON certificates (organization_id, result_leaf_index);

CREATE TABLE log_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL
);
INSERT INTO log_head (id, size) VALUES (1, 0);

CREATE TABLE log_leaves (
    leaf_index BIGINT PRIMARY KEY,
    leaf_hash BYTEA NOT NULL,
    entry BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE log_nodes (
    level BIGINT NOT NULL,
    node_index BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, node_index)
);

CREATE TABLE log_checkpoints (
    size BIGINT PRIMARY KEY,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    key_id TEXT PRIMARY KEY,
    public_pem TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE audit_heads (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (organization_id),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE audit_trail (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    before_hash BYTEA,
    after_hash BYTEA,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (organization_id, seq)
);
