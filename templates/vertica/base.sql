-- A base table: the source's columns, of which those of the key are NOT NULL.
-- The server does not enforce the primary key; the planner uses it.
-- NOT RUN SO FAR: Dray has no driver for Vertica yet. Try it on a copy first.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/vertica/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%
-- @if key
    , PRIMARY KEY (%%PKEY%%)
-- @end
);
