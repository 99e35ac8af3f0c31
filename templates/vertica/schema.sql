-- A schema that the target does not have yet.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/vertica/ beside the configuration file.
CREATE SCHEMA IF NOT EXISTS %%BASE_SCHEMA%%;
