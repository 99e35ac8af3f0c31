-- A partition as a table of its own, like its parent: columns, defaults, checks, generated and identity
-- columns, comments, storage, and (where its rows have a key) indexes. The parent is not touched, and
-- does not show the rows; a view with UNION ALL does, or INHERITS:
--
--   CREATE TABLE %%PARTITION_TABLE_FQN%% (LIKE %%PARENT_TABLE_FQN%% INCLUDING ALL)
--       INHERITS (%%PARENT_TABLE_FQN%%);
--
-- partition_declarative.sql attaches it to a parent that is PARTITION BY.
-- Under a merge script that keeps several rows of one key (keep_all.sql, append.sql) it gets no index of
-- the parent: a unique one would refuse them.
-- Parameters and lines that begin with "-- @" are in docs/partitions.md. Edit a copy beside the
-- configuration file.
-- @if key
CREATE TABLE %%PARTITION_TABLE_FQN%% (LIKE %%PARENT_TABLE_FQN%% INCLUDING ALL);
-- @end
-- @if not key
CREATE TABLE %%PARTITION_TABLE_FQN%% (LIKE %%PARENT_TABLE_FQN%% INCLUDING ALL EXCLUDING INDEXES);
-- @end
-- The parent has no primary key.
-- @if new_key
ALTER TABLE %%PARTITION_TABLE_FQN%% ADD PRIMARY KEY (%%PKEY%%);
-- @end
