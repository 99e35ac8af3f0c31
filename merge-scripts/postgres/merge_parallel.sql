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
-- It needs a key (its primary key, or "key:" in the table rule) and an index on it.
--
-- Why delete and insert: first every key that the block touches is deleted, old and new ones; that
-- frees all unique keys. Then the last image of each key goes in. The order of changes inside the
-- block does not matter, and loading a block a second time changes nothing.
--
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates.

-- @load
TRUNCATE %%STAGE_TABLE_FQN%%;

COPY %%STAGE_TABLE_FQN%% (%%LOAD_COLUMNS%%)
FROM STDIN WITH (FORMAT csv, NULL %%CSV_NULL%%, ENCODING 'UTF8');
-- @expect rows %%CSV_ROWS%%

-- @truncate
DELETE FROM %%BASE_TABLE_FQN%%;

-- @apply
-- Rows that are in the base table already: note their own columns, and mark them with K.
-- @if kept
UPDATE %%STAGE_TABLE_FQN%% AS stage
SET %%OPCODE%% = 'K', %%KEPT_SET%%
FROM %%BASE_TABLE_FQN%% AS base
WHERE %%PKEY_JOIN%%
  AND stage.%%OPCODE%% IN ('I', 'U', 'UI')
  AND %%STAGE_LAST%%;

DELETE FROM %%BASE_TABLE_FQN%% AS base
USING %%STAGE_TABLE_FQN%% AS stage
WHERE %%PKEY_JOIN%%;

-- OVERRIDING SYSTEM VALUE: an identity column takes the source's number.
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%)
OVERRIDING SYSTEM VALUE
SELECT %%BASE_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI')
  AND %%STAGE_LAST%%;

-- @if kept
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, %%KEPT_COLUMNS%%)
OVERRIDING SYSTEM VALUE
SELECT %%BASE_COLUMNS%%, %%KEPT_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% = 'K';
