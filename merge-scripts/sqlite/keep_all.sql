-- keep_all.sql: the base table gets the new row of every insert and every update, as it came.
--
-- Base table: the source's columns, and any others of your own, which get their DEFAULT. Its key columns
-- must not be a primary or unique key: each version of a row is a row. No key is needed. With
-- partition: in the table rule the rows go to the partition of the block's time.
-- An update that changes the key is kept as the new row, like any other.
--
-- Deletes have no row to keep. What becomes of them says deletes: in the table rule:
--   error   (where it says nothing) a block with a delete or a TRUNCATE is refused
--   keep    a delete is a row of its own, with the key alone; the base table has the header column with
--           the opcode as well: I insert, UI (or U) update, D delete. All but the key must allow NULL
--   ignore  deletes are left out
-- Under keep and ignore a TRUNCATE leaves the base table as it is.
--
-- A block that is replayed with --again comes in twice. Lines that leave values out, since an update
-- did not touch them, are refused: give the source table REPLICA IDENTITY FULL. PgQ's triggers
-- leave nothing out.

-- @all_lines
-- @distinguish_updates
-- @deletes

-- @apply
DELETE FROM %%STAGE_TABLE_FQN%%;

.import %%CSV_FILE%% %%STAGE_TABLE_FQN%%
-- @expect rows %%CSV_ROWS%%

-- @if no deletes
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%)
SELECT %%BASE_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI');

-- @if deletes
INSERT INTO %%BASE_TABLE_FQN%% (%%OPCODE%%, %%BASE_COLUMNS%%)
SELECT %%OPCODE%%, %%BASE_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI', 'D');
