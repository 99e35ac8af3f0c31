-- A partition whose time is over (partition.retain and expire: detach in the table rule): the table
-- stays, and is no partition any more. One that never belonged to its parent is only forgotten.
-- Parameters and lines that begin with "-- @" are in docs/partitions.md. Edit a copy beside the
-- configuration file.
-- @if attached
ALTER TABLE %%PARENT_TABLE_FQN%% DETACH PARTITION %%PARTITION_TABLE_FQN%%;
-- @end
-- @if inherits
ALTER TABLE %%PARTITION_TABLE_FQN%% NO INHERIT %%PARENT_TABLE_FQN%%;
-- @end
