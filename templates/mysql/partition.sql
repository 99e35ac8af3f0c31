-- A partition as a table of its own, like its parent: columns, defaults, generated columns, indexes, engine.
-- Foreign keys and triggers do not come along. The parent does not show the rows; a view with UNION ALL
-- does.
-- Statements commit by themselves here: where one fails, Dray drops the table again.
-- Parameters and lines that begin with "-- @" are in docs/partitions.md. Edit a copy beside the
-- configuration file.
CREATE TABLE %%PARTITION_TABLE_FQN%% LIKE %%PARENT_TABLE_FQN%%;
-- The parent has no primary key.
-- @if new_key
ALTER TABLE %%PARTITION_TABLE_FQN%% ADD PRIMARY KEY (%%PKEY%%);
-- @end
-- The parent has one, but the merge script keeps several rows of one key (keep_all.sql, append.sql).
-- @if surplus_key
ALTER TABLE %%PARTITION_TABLE_FQN%% DROP PRIMARY KEY;
-- @end
