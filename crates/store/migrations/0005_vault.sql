-- Secrets at rest: a data key per organization and per person, wrapped; how long things are kept; which heads of the
-- audit trail are in the transparency log; and a way to keep objects in place while a backup copies them.

CREATE TABLE master_keys (
    master_key_id TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE data_keys (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    version BIGINT NOT NULL CHECK (version >= 1),
    master_key_id TEXT NOT NULL REFERENCES master_keys (master_key_id),
    wrapped BYTEA,
    created_at BIGINT NOT NULL,
    destroyed_at BIGINT,
    PRIMARY KEY (organization_id, version),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX data_keys_by_master_key ON data_keys (master_key_id);

CREATE TABLE subject_keys (
    organization_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    data_key_version BIGINT NOT NULL,
    wrapped BYTEA,
    created_at BIGINT NOT NULL,
    destroyed_at BIGINT,
    PRIMARY KEY (organization_id, subject, version),
    FOREIGN KEY (organization_id, data_key_version) REFERENCES data_keys (organization_id, version),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

ALTER TABLE blobs ADD COLUMN sealed BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE blobs ADD COLUMN discard_asked BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE blob_holds ADD COLUMN until_at BIGINT;
CREATE INDEX blob_holds_by_end ON blob_holds (until_at) WHERE until_at IS NOT NULL;

CREATE TABLE object_freezes (
    freeze_id TEXT PRIMARY KEY,
    until_at BIGINT NOT NULL
);

CREATE TABLE retention_settings (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    kind TEXT NOT NULL,
    days BIGINT NOT NULL CHECK (days >= 0),
    PRIMARY KEY (organization_id, kind)
);
CREATE INDEX jobs_finished ON jobs (organization_id, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE trail_pseudonyms (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (organization_id),
    pseudonym TEXT NOT NULL UNIQUE
);

CREATE TABLE trail_checkpoints (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    leaf_index BIGINT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, seq)
);
CREATE INDEX audit_trail_by_time ON audit_trail (organization_id, at);
CREATE INDEX audit_trail_by_subject ON audit_trail (organization_id, subject, seq);
