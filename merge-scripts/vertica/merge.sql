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
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates.
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
