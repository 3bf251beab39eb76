-- Who may do what: people, their places in organizations, invitations, sessions, API keys, and what slows guessing down.
-- Secrets are kept as digests only: passwords as Argon2id strings, tokens and keys as SHA-256 of random values.

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT,
    managed_by TEXT REFERENCES organizations (organization_id),
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    user_id TEXT NOT NULL REFERENCES users (user_id),
    role TEXT NOT NULL CHECK (role IN ('submitter', 'viewer', 'auditor', 'admin', 'owner')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE invitations (
    invitation_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    token_sha256 BYTEA NOT NULL UNIQUE,
    purpose TEXT NOT NULL CHECK (purpose IN ('join', 'password')),
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('submitter', 'viewer', 'auditor', 'admin', 'owner')),
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_by_organization ON invitations (organization_id, invitation_id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

CREATE TABLE sessions (
    token_sha256 BYTEA PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (user_id),
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE api_keys (
    key_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    interface TEXT NOT NULL CHECK (interface IN ('governance', 'robustness', 'interactions')),
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('submitter', 'viewer', 'auditor', 'admin', 'owner')),
    secret_sha256 BYTEA NOT NULL UNIQUE,
    last_four TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id, key_id);

-- Failed sign-ins by what was tried: a digest of the e-mail address or of the client's network.
CREATE TABLE sign_in_failures (
    subject_sha256 BYTEA PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (last_at);
