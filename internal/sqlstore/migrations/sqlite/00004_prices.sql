-- An offer can have prices of its own: JSON by the dimension's key, in place of the list prices, which stand with the product's dimensions.

-- +goose Up

ALTER TABLE offer ADD COLUMN prices TEXT NOT NULL DEFAULT 'null';
