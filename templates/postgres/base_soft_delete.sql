-- A base table for soft_delete.sql: rows that the source deleted stay, and have the time of it.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/postgres/ beside the configuration file.
-- @column deleted_at timestamp(6)
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%,
%%OWN_COLUMNS%%
-- @if key
    , PRIMARY KEY (%%PKEY%%)
-- @end
);
