-- A partition whose time is over (partition.retain in the table rule). Dropping one that is attached to its
-- parent locks the parent for a moment; Dray waits 3 seconds for that, and tries again later.
-- Parameters and lines that begin with "-- @" are in docs/partitions.md. Edit a copy beside the
-- configuration file.
DROP TABLE %%PARTITION_TABLE_FQN%%;
