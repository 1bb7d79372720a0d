-- An offer can have prices of its own: JSON by the dimension's key, in place of the list prices, which stand with the product's dimensions.
--
-- Nodes of the version before go on, and can be started: they neither read nor write the column, and its default is "no prices". What they change of a
-- product loses its list prices, though, since they write its dimensions anew without them. So change products when all nodes are new.

-- +goose Up

ALTER TABLE offer ADD COLUMN prices TEXT COLLATE "C" NOT NULL DEFAULT 'null';

INSERT INTO counter (name, value) VALUES ('compatible', 3) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
