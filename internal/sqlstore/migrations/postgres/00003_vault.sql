-- Secrets are sealed, under a key that is not in the store: in access_key.secret, token_key.secret and signing_key.private stands what internal/vault
-- makes of them. SQL cannot do that. A store whose table vault is empty has them in clear still, and whoever opens it next seals them.
--
-- Binaries from before cannot read that, so this migration does not write "schema.compatible".

-- +goose Up

-- One row, "proof": nothing, sealed under the store's key, so that another key is found out.
CREATE TABLE vault (
    name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);

ALTER TABLE access_key ALTER COLUMN secret TYPE BYTEA USING convert_to(secret, 'UTF8');
