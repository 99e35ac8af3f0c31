-- A base table for history.sql: a row for each version, and an index that finds the versions of a key.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/sqlite/ beside the configuration file.
-- @column valid_from text
-- @column valid_to text
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%,
%%OWN_COLUMNS%%
);

-- @if key
CREATE INDEX %%KEY_INDEX%% ON %%BASE_TABLE_FQN%% (%%PKEY%%);
-- @end
