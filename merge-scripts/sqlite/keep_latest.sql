-- keep_latest.sql: each partition holds the last state of every row that changed in its time.
--
-- For tables with partition: in their rule. It does what merge.sql does, inside the one partition that the
-- block belongs to, and sees no other: a row that changed on two days is in both days' partitions, in
-- each as it was at the end. A delete removes the row from the partition of the delete's own time,
-- a TRUNCATE empties that partition; older ones keep what they have. Without partition: it is merge.sql.
--
-- Base table: the source's columns, and any others of your own: those are kept when a row changes
-- within the partition, and get their DEFAULT where it comes in. It needs a key (its primary key, or "key:"
-- in the table rule) and an index on it in every partition, which must not be
-- WITHOUT ROWID.
--
-- Values that a source left out, since an update did not touch them, are taken from the partition.
-- Where the row did not change in its time before, it is not there: the block fails, and says so.
-- Then give the source table REPLICA IDENTITY FULL. PgQ's triggers leave nothing out.
--
-- Why delete and insert: first every key that the block touches is deleted, old and new ones; that
-- frees all unique keys. Then the last image of each key goes in. The order of changes inside the
-- block does not matter, and loading a block a second time changes nothing.
--
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates;
-- O the key of a row whose values the next line leaves out.

-- @truncate
DELETE FROM %%BASE_TABLE_FQN%%;

-- @apply
DELETE FROM %%STAGE_TABLE_FQN%%;

.import %%CSV_FILE%% %%STAGE_TABLE_FQN%%
-- @expect rows %%CSV_ROWS%%

-- Lines from which the source left out values that an update did not touch: take them from the row as
-- it is before this file. The line in front of each, of opcode O, has that row's key.
-- Every such row must be there.
-- @if unchanged
UPDATE %%STAGE_TABLE_FQN%% AS stage
SET %%UNCHANGED_SET%%, %%UNCHANGED%% = NULL
FROM %%STAGE_TABLE_FQN%% AS origin, %%BASE_TABLE_FQN%% AS base
WHERE stage.%%UNCHANGED%% IS NOT NULL
  AND origin.%%ROW_ID%% + 1 = stage.%%ROW_ID%%
  AND %%ORIGIN_JOIN%%;
-- @expect rows %%UNCHANGED_ROWS%%

-- A block that is loaded once more: what the base table does not have any more ends in a later block.
-- @if again
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%UNCHANGED%% IS NOT NULL;

-- @if unchanged
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%OPCODE%% = 'O';

-- Rows that are in the base table already: note their own columns, and mark them with K.
-- @if kept
UPDATE %%STAGE_TABLE_FQN%% AS stage
SET %%OPCODE%% = 'K', %%KEPT_SET%%
FROM %%BASE_TABLE_FQN%% AS base
WHERE %%PKEY_JOIN%%
  AND stage.%%OPCODE%% IN ('I', 'U', 'UI')
  AND %%STAGE_LAST%%;

-- CROSS JOIN keeps the order: through the staging rows, and by the key into the base table.
DELETE FROM %%BASE_TABLE_FQN%%
WHERE _rowid_ IN (
    SELECT base._rowid_
    FROM %%STAGE_TABLE_FQN%% AS stage
    CROSS JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%);

-- In the order of the key, so that neighbours share pages.
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%)
SELECT %%BASE_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI')
  AND %%STAGE_LAST%%
ORDER BY %%PKEY%%;

-- @if kept
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, %%KEPT_COLUMNS%%)
SELECT %%BASE_COLUMNS%%, %%KEPT_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% = 'K'
ORDER BY %%PKEY%%;
