-- A staging table: the header columns, then the base table's columns, nullable, without constraints.
-- Unlogged: what it holds belongs to one commit block, and is loaded again after a crash.
-- Edit a copy in templates/postgres/ beside the configuration file.
CREATE UNLOGGED TABLE %%STAGE_TABLE_FQN%% (
%%COLUMNS%%
) WITH (autovacuum_enabled = false);
