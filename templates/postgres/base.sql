-- A base table: the source's columns, of which those of the key are NOT NULL.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/postgres/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%
-- @if key
    , PRIMARY KEY (%%PKEY%%)
-- @end
);
