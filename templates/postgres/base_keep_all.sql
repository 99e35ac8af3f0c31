-- A base table for keep_all.sql: a row for each version of a row, so that the key is not unique. Where deletes
-- are kept, each row has the opcode.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/postgres/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
-- @if deletes
%%OPCODE_COLUMN%%,
-- @end
%%COLUMNS%%
);
