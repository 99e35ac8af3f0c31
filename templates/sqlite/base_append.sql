-- A base table for append.sql: the header columns and the source's, which may all be NULL: the lines of
-- deletes have only the key.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/sqlite/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
%%HEADER_COLUMNS%%,
%%NULLABLE_COLUMNS%%
);
