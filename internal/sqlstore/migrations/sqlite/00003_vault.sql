-- Secrets are sealed, under a key that is not in the store: in access_key.secret, token_key.secret and signing_key.private stands what internal/vault
-- makes of them. SQL cannot do that. A store whose table vault is empty has them in clear still, and whoever opens it next seals them.

-- +goose Up

-- One row, "proof": nothing, sealed under the store's key, so that another key is found out.
CREATE TABLE vault (
    name   TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

ALTER TABLE access_key RENAME TO access_key_of_text;

CREATE TABLE access_key (
    id         TEXT    NOT NULL PRIMARY KEY,
    secret     BLOB    NOT NULL,
    account    TEXT    NOT NULL,
    user_name  TEXT    NOT NULL,
    inactive   INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    created_at INTEGER
) STRICT;

INSERT INTO access_key SELECT id, CAST(secret AS BLOB), account, user_name, inactive, name, note, created_at FROM access_key_of_text;

DROP TABLE access_key_of_text;
