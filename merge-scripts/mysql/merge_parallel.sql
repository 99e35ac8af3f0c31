-- merge_parallel.sql: as merge.sql, with parallel loads.
-- The base table holds the current state of the source table.
--
-- The section load runs on connections of its own (target.loaders), one CSV file each, and is
-- committed before the block's transaction begins; the merge itself is in that one transaction as
-- ever. Each file of a block has a staging table of its own. Worth it where loading, not merging,
-- takes the time.
--
-- Base table: the source's columns, and any others of your own: those are kept when a row changes,
-- and get their DEFAULT in a new row. A change of the key itself makes a new row.
-- It needs a key (its primary key, or "key:" in the table rule) and an index on it. InnoDB only.
--
-- Why delete and insert, and never REPLACE: first every key that the block touches is deleted, old
-- and new ones; that frees all unique keys. Then the last image of each key goes in. Keys are
-- compared byte by byte, so two rows that only a collation takes for equal never delete each other:
-- where the base table's unique key cannot hold both, the INSERT fails and says so.
--
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates.

-- @load
-- Outside the block's transaction TRUNCATE is allowed, and fast.
TRUNCATE TABLE %%STAGE_TABLE_FQN%%;

LOAD DATA LOCAL INFILE '%%CSV_FILE%%' INTO TABLE %%STAGE_TABLE_FQN%%
CHARACTER SET utf8mb4
FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY ''
LINES TERMINATED BY '\n'
(%%LOAD_COLUMNS%%) %%LOAD_SET%%;
-- @expect rows %%CSV_ROWS%%

-- @truncate
-- TRUNCATE would commit.
DELETE FROM %%BASE_TABLE_FQN%%;

-- @apply
-- Rows that are in the base table already: note their own columns, and mark them with K.
-- @if kept
UPDATE %%STAGE_TABLE_FQN%% AS stage
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%
SET stage.%%OPCODE%% = 'K', %%KEPT_SET%%
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI')
  AND %%STAGE_LAST%%;

-- STRAIGHT_JOIN keeps the order: through the staging rows, and by the key into the base table.
DELETE base
FROM %%STAGE_TABLE_FQN%% AS stage
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%;

INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%)
SELECT %%BASE_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI')
  AND %%STAGE_LAST%%;

-- @if kept
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, %%KEPT_COLUMNS%%)
SELECT %%BASE_COLUMNS%%, %%KEPT_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% = 'K';
