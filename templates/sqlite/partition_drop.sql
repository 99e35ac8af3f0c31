-- A partition whose time is over (partition.retain in the table rule).
-- Parameters and lines that begin with "-- @" are in docs/partitions.md. Edit a copy beside the
-- configuration file.
DROP TABLE %%PARTITION_TABLE_FQN%%;
