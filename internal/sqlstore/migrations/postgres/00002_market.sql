-- The marketplace, as the second migration of SQLite leaves it: both engines count their schemas alike from here on.
--
-- Times are milliseconds since 1970 in UTC; NULL is the zero time. Lists that are only ever read whole are JSON text. Text is compared by bytes,
-- whatever the database's own collation. There are no foreign keys and no sequences: the rules live above the store, and numbers
-- come from the table counter.

-- +goose Up

CREATE TABLE account (
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name      TEXT COLLATE "C" NOT NULL,
    seller    BOOLEAN NOT NULL,
    buyer     BOOLEAN NOT NULL,
    suspended BOOLEAN NOT NULL
);

CREATE TABLE policy (
    account  TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE TABLE identity (
    kind            TEXT COLLATE "C" NOT NULL,
    account         TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    inline          TEXT COLLATE "C" NOT NULL,
    attached        TEXT COLLATE "C" NOT NULL,
    boundary        TEXT COLLATE "C" NOT NULL,
    workload        TEXT COLLATE "C" NOT NULL DEFAULT '',
    workload_region TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (kind, account, name)
);

CREATE TABLE access_key (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret     TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    user_name  TEXT COLLATE "C" NOT NULL,
    inactive   BOOLEAN NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    note       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT
);

-- directory grows with every write to the four tables above; event is the last seq of agreement_event, series the last id of usage_series.
CREATE TABLE counter (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counter (name, value) VALUES ('directory', 0), ('event', 0), ('series', 0);

CREATE TABLE product (
    code             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    id               TEXT COLLATE "C" NOT NULL UNIQUE,
    seller           TEXT COLLATE "C" NOT NULL,
    title            TEXT COLLATE "C" NOT NULL,
    description      TEXT COLLATE "C" NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    registration_url TEXT COLLATE "C" NOT NULL,
    token_life       BIGINT NOT NULL, -- nanoseconds
    token_reuse      TEXT COLLATE "C" NOT NULL,
    dimensions       TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT
);

CREATE TABLE offer (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    product_code TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    pricing      TEXT COLLATE "C" NOT NULL,
    buyers       TEXT COLLATE "C" NOT NULL,
    trial_days   BIGINT NOT NULL,
    term_months  BIGINT NOT NULL,
    entitlements TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT
);

CREATE INDEX offer_product ON offer (product_code, id);

CREATE TABLE customer (
    account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    identifier TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT
);

CREATE TABLE agreement (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    product_code TEXT COLLATE "C" NOT NULL,
    offer_id     TEXT COLLATE "C" NOT NULL,
    seller       TEXT COLLATE "C" NOT NULL,
    buyer        TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    intent       TEXT COLLATE "C" NOT NULL,
    preceding_id TEXT COLLATE "C" NOT NULL,
    free_trial   BOOLEAN NOT NULL,
    license_arn  TEXT COLLATE "C" NOT NULL UNIQUE,
    accepted_at  BIGINT,
    start_at     BIGINT,
    end_at       BIGINT,
    term_months  BIGINT NOT NULL,
    auto_renew   BOOLEAN NOT NULL,
    suspended_at BIGINT,
    entitlements TEXT COLLATE "C" NOT NULL,
    phase        TEXT COLLATE "C" NOT NULL,
    due_at       BIGINT
);

-- Each ends in the order of the list, so that a page is a range of the index.
CREATE INDEX agreement_accepted ON agreement (accepted_at NULLS FIRST, id);
CREATE INDEX agreement_buyer ON agreement (buyer, accepted_at NULLS FIRST, id);
CREATE INDEX agreement_product ON agreement (product_code, accepted_at NULLS FIRST, id);
CREATE INDEX agreement_product_buyer ON agreement (product_code, buyer, accepted_at NULLS FIRST, id);
CREATE INDEX agreement_preceding ON agreement (preceding_id, accepted_at NULLS FIRST, id) WHERE preceding_id <> '';
CREATE INDEX agreement_due ON agreement (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX agreement_product_id ON agreement (product_code, id);

CREATE TABLE agreement_event (
    seq          BIGINT NOT NULL PRIMARY KEY,
    agreement_id TEXT COLLATE "C" NOT NULL,
    at           BIGINT,
    kind         TEXT COLLATE "C" NOT NULL,
    detail       TEXT COLLATE "C" NOT NULL
);

CREATE INDEX agreement_event_agreement ON agreement_event (agreement_id, seq);

-- What usage records are of, hour by hour. A series is added with its first record and never goes, so that there is one means that
-- there is usage of it. Its id has 32 bits.
CREATE TABLE usage_series (
    id           BIGINT NOT NULL PRIMARY KEY,
    region       TEXT COLLATE "C" NOT NULL,
    product_code TEXT COLLATE "C" NOT NULL,
    buyer        TEXT COLLATE "C" NOT NULL,
    license_arn  TEXT COLLATE "C" NOT NULL,
    dimension    TEXT COLLATE "C" NOT NULL,
    resource     TEXT COLLATE "C" NOT NULL,
    UNIQUE (product_code, buyer, resource, license_arn, dimension, region)
);

-- The key is the record's identity in eight bytes: its hour since 1970, shifted left by 32, and its series. Each month of hours is a
-- partition, usage_YYYY_MM, made when it is first needed; an old one can be detached and dropped.
CREATE TABLE usage (
    key          BIGINT NOT NULL PRIMARY KEY,
    id           BYTEA NOT NULL, -- the MeteringRecordId
    at           BIGINT NOT NULL,
    quantity     BIGINT NOT NULL,
    submitted_at BIGINT,
    allocations  BYTEA
) PARTITION BY RANGE (key);

CREATE TABLE client_token (
    account     TEXT COLLATE "C" NOT NULL,
    token       TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    record_id   BYTEA NOT NULL,
    forget_at   BIGINT,
    PRIMARY KEY (account, token)
);

CREATE INDEX client_token_forget ON client_token (forget_at);

CREATE TABLE signing_key (
    version    BIGINT NOT NULL PRIMARY KEY,
    private    BYTEA NOT NULL, -- PKCS #8, DER
    created_at BIGINT
);

CREATE TABLE registration (
    product_code TEXT COLLATE "C" NOT NULL,
    account      TEXT COLLATE "C" NOT NULL,
    resource     TEXT COLLATE "C" NOT NULL,
    workload     TEXT COLLATE "C" NOT NULL,
    region       TEXT COLLATE "C" NOT NULL,
    at           BIGINT,
    PRIMARY KEY (product_code, account, resource)
);

CREATE TABLE token_key (
    id         BYTEA NOT NULL PRIMARY KEY,
    secret     BYTEA NOT NULL,
    retired    BOOLEAN NOT NULL,
    created_at BIGINT
);

CREATE TABLE redeemed_token (
    id        BYTEA NOT NULL PRIMARY KEY,
    forget_at BIGINT
);

CREATE INDEX redeemed_token_forget ON redeemed_token (forget_at);

CREATE TABLE setting (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);
