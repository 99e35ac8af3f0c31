-- A staging table: the header columns, then the base table's columns, nullable.
-- NOT RUN SO FAR: Dray has no driver for ClickHouse yet. Try it on a copy first.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/clickhouse/ beside the configuration file.
CREATE TABLE %%STAGE_TABLE_FQN%% (
%%COLUMNS%%
)
ENGINE = MergeTree
ORDER BY tuple();
