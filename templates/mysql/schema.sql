-- A database that the server does not have yet: it is what other targets call a schema.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/mysql/ beside the configuration file.
CREATE DATABASE IF NOT EXISTS %%BASE_SCHEMA%% DEFAULT CHARACTER SET utf8mb4;
