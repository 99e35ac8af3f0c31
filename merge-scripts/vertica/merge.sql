-- merge.sql: the base table holds the current state of the source table.
--
-- Base table: the source's columns, and any others of your own: those are kept when a row changes,
-- and get their DEFAULT in a new row. A change of the key itself makes a new row.
-- It needs a key (its primary key, or "key:" in the table rule).
--
-- Why delete and insert: first every key that the block touches is deleted, old and new ones; that
-- frees all unique keys. Then the last image of each key goes in. The order of changes inside the
-- block does not matter, and loading a block a second time changes nothing.
--
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates;
-- O the key of a row whose values the next line leaves out.
--
-- NOT RUN SO FAR: Dray has no driver for Vertica yet. The file is only checked for its parameters and
-- statements. Try it on a copy first.

-- @truncate
DELETE FROM %%BASE_TABLE_FQN%%;

-- @apply
-- TRUNCATE would commit.
DELETE FROM %%STAGE_TABLE_FQN%%;

-- The file must be visible to the server's node; FROM LOCAL '%%CSV_FILE%%' takes it from the client.
COPY %%STAGE_TABLE_FQN%% (%%LOAD_COLUMNS%%)
FROM '%%CSV_FILE%%' DIRECT NULL %%CSV_NULL%% DELIMITER ',' ENCLOSED BY '"' ESCAPE AS '"'
ABORT ON ERROR NO COMMIT;
-- @expect rows %%CSV_ROWS%%

-- Lines from which the source left out values that an update did not touch: take them from the row as
-- it is before this file. The line in front of each, of opcode O, has that row's key.
-- Every such row must be there.
-- @if unchanged
UPDATE %%STAGE_TABLE_FQN%% AS stage
SET %%UNCHANGED_SET%%, %%UNCHANGED%% = NULL
FROM (SELECT origin.%%ROW_ID%% + 1 AS dray_line, base.*
      FROM %%STAGE_TABLE_FQN%% AS origin
      JOIN %%BASE_TABLE_FQN%% AS base ON %%ORIGIN_JOIN%%) AS base
WHERE stage.%%UNCHANGED%% IS NOT NULL
  AND stage.%%ROW_ID%% = base.dray_line;
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

-- DELETE knows no alias here.
DELETE FROM %%BASE_TABLE_FQN%%
WHERE %%BASE_PKEY%% IN (SELECT %%PKEY%% FROM %%STAGE_TABLE_FQN%%);

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
