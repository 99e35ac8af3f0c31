-- soft_delete.sql: the base table keeps the rows that the source deletes, and says since when.
--
-- Base table: the source's columns, deleted_at (a timestamp that allows NULL), and any others of your
-- own: those are kept when a row changes, and get their DEFAULT in a new row. A deleted row keeps its
-- last values and gets deleted_at, the commit time in UTC; a new row of the same key clears it.
-- It needs a key (its primary key, or "key:" in the table rule) and an index on it. Other unique
-- keys are in the way: the deleted row still holds its values (make them partial: WHERE deleted_at IS NULL).
--
-- A row that comes and goes within one block is kept too: that is why all lines are loaded.
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates;
-- O the key of a row whose values the next line leaves out.

-- @all_lines
-- @live base.deleted_at IS NULL

-- @truncate
UPDATE %%BASE_TABLE_FQN%%
SET deleted_at = COALESCE(%%TRUNCATE_TIMESTAMP%%, CURRENT_TIMESTAMP)
WHERE deleted_at IS NULL;

-- @apply
DELETE FROM %%STAGE_TABLE_FQN%%;

COPY %%STAGE_TABLE_FQN%% (%%LOAD_COLUMNS%%)
FROM STDIN WITH (FORMAT csv, NULL %%CSV_NULL%%, ENCODING 'UTF8');
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
  AND %%ORIGIN_JOIN%%
  AND base.deleted_at IS NULL;
-- @expect rows %%UNCHANGED_ROWS%%

-- A block that is loaded once more: what the base table does not have any more ends in a later block.
-- @if again
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%UNCHANGED%% IS NOT NULL;

-- @if unchanged
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%OPCODE%% = 'O';

-- Of each key keep the last image, and the deletion where that is the last line: at most one of each.
DELETE FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%ROW_ID%% IN (
    SELECT line
    FROM (SELECT stage.%%ROW_ID%% AS line,
                 stage.%%OPCODE%% IN ('D', 'UD') AS is_delete,
                 MAX(stage.%%ROW_ID%%) OVER (PARTITION BY %%PKEY_GROUP%%) AS last_line,
                 MAX(CASE WHEN stage.%%OPCODE%% NOT IN ('D', 'UD') THEN stage.%%ROW_ID%% END)
                     OVER (PARTITION BY %%PKEY_GROUP%%) AS last_image
          FROM %%STAGE_TABLE_FQN%% AS stage) AS key_lines
    WHERE line < CASE WHEN is_delete THEN last_line ELSE last_image END);

-- Rows that are in the base table already: note their own columns, and mark them with K.
-- deleted_at is one of them, so there always are some.
-- @if kept
UPDATE %%STAGE_TABLE_FQN%% AS stage
SET %%OPCODE%% = 'K', %%KEPT_SET%%
FROM %%BASE_TABLE_FQN%% AS base
WHERE %%PKEY_JOIN%%
  AND stage.%%OPCODE%% IN ('I', 'U', 'UI');

-- A new image clears it.
UPDATE %%STAGE_TABLE_FQN%%
SET deleted_at = NULL
WHERE deleted_at IS NOT NULL;

-- Replace the rows that have a new image.
DELETE FROM %%BASE_TABLE_FQN%% AS base
USING %%STAGE_TABLE_FQN%% AS stage
WHERE %%PKEY_JOIN%%
  AND stage.%%OPCODE%% = 'K';

INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, deleted_at)
OVERRIDING SYSTEM VALUE
SELECT %%BASE_COLUMNS%%, deleted_at
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI');

-- @if kept
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, %%KEPT_COLUMNS%%)
OVERRIDING SYSTEM VALUE
SELECT %%BASE_COLUMNS%%, %%KEPT_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% = 'K';

-- Deletions come last: of rows from before, and of rows that came in this block.
UPDATE %%BASE_TABLE_FQN%% AS base
SET deleted_at = COALESCE(stage.%%TIMESTAMP%%, CURRENT_TIMESTAMP)
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE %%PKEY_JOIN%%
  AND stage.%%OPCODE%% IN ('D', 'UD');
