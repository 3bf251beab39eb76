-- Interactions: who may submit how many tokens, the ledger of them, what was submitted with what the audit found, and
-- what of it is counted per day. docs/data-model.md explains every table.

CREATE TABLE interaction_accounts (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (organization_id),
    plan TEXT NOT NULL CHECK (plan IN ('none', 'free', 'premium', 'unlimited')),
    balance BIGINT NOT NULL CHECK (balance >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    next_number BIGINT NOT NULL,
    next_entry BIGINT NOT NULL,
    monthly_grant BIGINT NOT NULL CHECK (monthly_grant >= 0),
    granted_month BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Append-only. The balance after an entry is the one before it plus the tokens, except under the plan unlimited.
CREATE TABLE ledger_entries (
    organization_id TEXT NOT NULL REFERENCES interaction_accounts (organization_id),
    entry BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'charge', 'refund', 'purchase', 'plan')),
    tokens BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    first_number BIGINT,
    last_number BIGINT,
    actor TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (organization_id, entry)
);

-- Columns that lists read come before the long ones, so that a list does not walk over them.
CREATE TABLE interactions (
    organization_id TEXT NOT NULL REFERENCES interaction_accounts (organization_id),
    number BIGINT NOT NULL,
    letters TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    subject TEXT,
    session TEXT,
    client_user TEXT,
    company TEXT NOT NULL,
    use_case TEXT NOT NULL,
    model_version TEXT,
    input_country TEXT NOT NULL,
    output_country TEXT NOT NULL,
    tokens BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'audited', 'failed', 'erased')),
    attempts BIGINT NOT NULL,
    audited_at BIGINT,
    status TEXT CHECK (status IN ('compliant', 'review', 'non_compliant')),
    risk BIGINT CHECK (risk BETWEEN 0 AND 100),
    failure TEXT,
    entities TEXT,
    regulations TEXT,
    words BYTEA,
    content BYTEA,
    result BYTEA,
    PRIMARY KEY (organization_id, number)
);
-- The state is in it so that counting needs nothing else.
CREATE INDEX interactions_pending ON interactions (state, received_at, organization_id, number)
    WHERE state = 'pending';
CREATE INDEX interactions_by_time ON interactions (organization_id, received_at);
-- Subjects come in no order, so each row would change another page of this index: that waits until the audit has ended.
CREATE INDEX interactions_by_subject ON interactions (organization_id, subject, number)
    WHERE subject IS NOT NULL AND state <> 'pending';

CREATE TABLE interaction_days (
    organization_id TEXT NOT NULL REFERENCES interaction_accounts (organization_id),
    day BIGINT NOT NULL,
    model_version TEXT NOT NULL,
    client_user TEXT NOT NULL,
    submissions BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    compliant BIGINT NOT NULL,
    review BIGINT NOT NULL,
    non_compliant BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    risk_sum BIGINT NOT NULL,
    PRIMARY KEY (organization_id, day, model_version, client_user)
);

CREATE TABLE saved_views (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id),
    user_id TEXT NOT NULL REFERENCES users (user_id),
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id, name)
);
