-- Metering and entitlements: what agreements give, what befalls them, and what was used.

-- +goose Up

-- Agreements from before this have no history and no phase. The runner settles those that are active: it is told that their start is still to
-- come and is due, takes them to where they are by now, and adds the events of it. For the others nothing falls due.
ALTER TABLE agreement ADD COLUMN intent       TEXT    NOT NULL DEFAULT 'NEW';
ALTER TABLE agreement ADD COLUMN preceding_id TEXT    NOT NULL DEFAULT '';
ALTER TABLE agreement ADD COLUMN term_months  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agreement ADD COLUMN auto_renew   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agreement ADD COLUMN suspended_at INTEGER;
ALTER TABLE agreement ADD COLUMN entitlements TEXT    NOT NULL DEFAULT 'null';
ALTER TABLE agreement ADD COLUMN phase        TEXT    NOT NULL DEFAULT 'closed-down';
ALTER TABLE agreement ADD COLUMN due_at       INTEGER;

UPDATE agreement SET phase = 'scheduled', due_at = coalesce(start_at, accepted_at, 0) WHERE status = 'ACTIVE';

CREATE INDEX agreement_preceding ON agreement (preceding_id, accepted_at, id) WHERE preceding_id <> '';
CREATE INDEX agreement_due ON agreement (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX agreement_product_id ON agreement (product_code, id);

CREATE TABLE agreement_event (
    seq          INTEGER NOT NULL PRIMARY KEY,
    agreement_id TEXT    NOT NULL,
    at           INTEGER,
    kind         TEXT    NOT NULL,
    detail       TEXT    NOT NULL
) STRICT;

CREATE INDEX agreement_event_agreement ON agreement_event (agreement_id, seq);

ALTER TABLE offer ADD COLUMN pricing      TEXT    NOT NULL DEFAULT '';
ALTER TABLE offer ADD COLUMN buyers       TEXT    NOT NULL DEFAULT 'null';
ALTER TABLE offer ADD COLUMN term_months  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE offer ADD COLUMN entitlements TEXT    NOT NULL DEFAULT 'null';

ALTER TABLE identity ADD COLUMN workload TEXT NOT NULL DEFAULT ''; -- of roles
ALTER TABLE identity ADD COLUMN workload_region TEXT NOT NULL DEFAULT '';

-- What usage records are of, hour by hour. A series is added with its first record and never goes, so that there is one means that
-- there is usage of it. Its id has 32 bits.
CREATE TABLE usage_series (
    id           INTEGER NOT NULL PRIMARY KEY,
    region       TEXT    NOT NULL,
    product_code TEXT    NOT NULL,
    buyer        TEXT    NOT NULL,
    license_arn  TEXT    NOT NULL,
    dimension    TEXT    NOT NULL,
    resource     TEXT    NOT NULL,
    UNIQUE (product_code, buyer, resource, license_arn, dimension, region)
) STRICT;

-- The key is the record's identity in eight bytes: its hour since 1970, shifted left by 32, and its series. Time comes first, so
-- that new records meet in the same few pages.
CREATE TABLE usage (
    key          INTEGER NOT NULL PRIMARY KEY,
    id           BLOB    NOT NULL, -- the MeteringRecordId
    at           INTEGER NOT NULL,
    quantity     INTEGER NOT NULL,
    submitted_at INTEGER,
    allocations  BLOB
) STRICT;

CREATE TABLE client_token (
    account     TEXT NOT NULL,
    token       TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    record_id   BLOB NOT NULL,
    forget_at   INTEGER,
    PRIMARY KEY (account, token)
) STRICT;

CREATE INDEX client_token_forget ON client_token (forget_at);

CREATE TABLE signing_key (
    version    INTEGER NOT NULL PRIMARY KEY,
    private    BLOB    NOT NULL, -- PKCS #8, DER
    created_at INTEGER
) STRICT;

CREATE TABLE registration (
    product_code TEXT NOT NULL,
    account      TEXT NOT NULL,
    resource     TEXT NOT NULL,
    workload     TEXT NOT NULL,
    region       TEXT NOT NULL,
    at           INTEGER,
    PRIMARY KEY (product_code, account, resource)
) STRICT;
