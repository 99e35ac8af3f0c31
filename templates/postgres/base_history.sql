-- A base table for history.sql: a row for each version, and an index that finds the versions of a key.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/postgres/ beside the configuration file.
-- @column valid_from timestamp(6)
-- @column valid_to timestamp(6)
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%,
%%OWN_COLUMNS%%
);

-- @if key
CREATE INDEX %%KEY_INDEX%% ON %%BASE_TABLE_FQN%% (%%PKEY%%);
-- @end
