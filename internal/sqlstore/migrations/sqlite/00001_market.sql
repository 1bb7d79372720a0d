-- The marketplace: who there is, what is sold, who bought it.
--
-- Times are milliseconds since 1970 in UTC; NULL is the zero time. Lists that are only ever read whole are JSON text.
-- There are no foreign keys: the rules live above the store, and `souk check` re-derives them.

-- +goose Up

CREATE TABLE account (
    id        TEXT    NOT NULL PRIMARY KEY,
    name      TEXT    NOT NULL,
    seller    INTEGER NOT NULL,
    buyer     INTEGER NOT NULL,
    suspended INTEGER NOT NULL
) STRICT;

CREATE TABLE policy (
    account  TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

-- Users and roles: the same columns, told apart by kind ('user', 'role').
CREATE TABLE identity (
    kind     TEXT NOT NULL,
    account  TEXT NOT NULL,
    name     TEXT NOT NULL,
    inline   TEXT NOT NULL,
    attached TEXT NOT NULL,
    boundary TEXT NOT NULL,
    PRIMARY KEY (kind, account, name)
) STRICT;

CREATE TABLE access_key (
    id         TEXT    NOT NULL PRIMARY KEY,
    secret     TEXT    NOT NULL,
    account    TEXT    NOT NULL,
    user_name  TEXT    NOT NULL,
    inactive   INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    created_at INTEGER
) STRICT;

-- Grows with every write to the four tables above.
CREATE TABLE counter (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO counter (name, value) VALUES ('directory', 0);

CREATE TABLE product (
    code             TEXT    NOT NULL PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE,
    seller           TEXT    NOT NULL,
    title            TEXT    NOT NULL,
    description      TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    registration_url TEXT    NOT NULL,
    token_life       INTEGER NOT NULL, -- nanoseconds
    token_reuse      TEXT    NOT NULL,
    dimensions       TEXT    NOT NULL,
    created_at       INTEGER
) STRICT;

CREATE TABLE offer (
    id           TEXT    NOT NULL PRIMARY KEY,
    product_code TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    trial_days   INTEGER NOT NULL,
    created_at   INTEGER
) STRICT;

CREATE INDEX offer_product ON offer (product_code, id);

CREATE TABLE customer (
    account    TEXT NOT NULL PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    created_at INTEGER
) STRICT;

CREATE TABLE agreement (
    id           TEXT    NOT NULL PRIMARY KEY,
    product_code TEXT    NOT NULL,
    offer_id     TEXT    NOT NULL,
    seller       TEXT    NOT NULL,
    buyer        TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    free_trial   INTEGER NOT NULL,
    license_arn  TEXT    NOT NULL UNIQUE,
    accepted_at  INTEGER,
    start_at     INTEGER,
    end_at       INTEGER
) STRICT;

-- Each ends in the order of the list, so that a page is a range of the index.
CREATE INDEX agreement_accepted ON agreement (accepted_at, id);
CREATE INDEX agreement_buyer ON agreement (buyer, accepted_at, id);
CREATE INDEX agreement_product ON agreement (product_code, accepted_at, id);
CREATE INDEX agreement_product_buyer ON agreement (product_code, buyer, accepted_at, id);

CREATE TABLE token_key (
    id         BLOB    NOT NULL PRIMARY KEY,
    secret     BLOB    NOT NULL,
    retired    INTEGER NOT NULL,
    created_at INTEGER
) STRICT;

CREATE TABLE redeemed_token (
    id        BLOB NOT NULL PRIMARY KEY,
    forget_at INTEGER
) STRICT;

CREATE INDEX redeemed_token_forget ON redeemed_token (forget_at);

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
