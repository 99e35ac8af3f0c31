-- A partition of a parent that is PARTITION BY LIST over a column with the partition's name:
--
--   CREATE TABLE orders (id bigint, item text, part text NOT NULL, PRIMARY KEY (id, part))
--       PARTITION BY LIST (part);
--
-- The column is called part here: change it in a copy beside the configuration file. It is no column of
-- the source; its default gives each row of the partition the name ("2016_03_11").
--
-- For a parent that is PARTITION BY RANGE (part), with a column such as part timestamp NOT NULL,
-- use these instead:
--
--   ... ALTER COLUMN part SET DEFAULT %%PARTITION_START%%,
--       ADD CONSTRAINT dray_partition CHECK (part IS NOT NULL
--           AND part >= %%PARTITION_START%%::timestamp AND part < %%PARTITION_END%%::timestamp);
--   ... ATTACH PARTITION ... FOR VALUES FROM (%%PARTITION_START%%) TO (%%PARTITION_END%%);
--
-- ATTACH PARTITION takes a lock on the parent that lets others read and write it (from PostgreSQL 12 on),
-- and the constraint spares it the look at the rows. A default partition of the parent is locked,
-- and searched, unless it has a constraint that excludes the new one's rows.
-- @if key
CREATE TABLE %%PARTITION_TABLE_FQN%% (LIKE %%PARENT_TABLE_FQN%% INCLUDING ALL);
-- @end
-- @if not key
CREATE TABLE %%PARTITION_TABLE_FQN%% (LIKE %%PARENT_TABLE_FQN%% INCLUDING ALL EXCLUDING INDEXES);
-- @end

ALTER TABLE %%PARTITION_TABLE_FQN%%
    ALTER COLUMN part SET DEFAULT %%PARTITION%%,
    ADD CONSTRAINT dray_partition CHECK (part IS NOT NULL AND part = %%PARTITION%%);

-- The parent has no primary key.
-- @if new_key
ALTER TABLE %%PARTITION_TABLE_FQN%% ADD PRIMARY KEY (%%PKEY%%);
-- @end

ALTER TABLE %%PARENT_TABLE_FQN%%
    ATTACH PARTITION %%PARTITION_TABLE_FQN%% FOR VALUES IN (%%PARTITION%%);

ALTER TABLE %%PARTITION_TABLE_FQN%% DROP CONSTRAINT dray_partition;
