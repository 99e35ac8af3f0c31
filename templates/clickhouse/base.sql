-- A base table: the source's columns. Rows are sorted by the key; nothing keeps it unique.
-- NOT RUN SO FAR: Dray has no driver for ClickHouse yet. Try it on a copy first.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/clickhouse/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%
)
ENGINE = MergeTree
-- @if key
ORDER BY (%%PKEY%%)
-- @end
-- @if not key
ORDER BY tuple()
-- @end
;
