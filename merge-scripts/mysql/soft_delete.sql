-- soft_delete.sql: the base table keeps the rows that the source deletes, and says since when.
--
-- Base table: the source's columns, deleted_at (DATETIME(6) that allows NULL), and any others of your
-- own: those are kept when a row changes, and get their DEFAULT in a new row. A deleted row keeps its
-- last values and gets deleted_at, the commit time in UTC; a new row of the same key clears it.
-- It needs a key (its primary key, or "key:" in the table rule) and an index on it. Other unique
-- keys are in the way: the deleted row still holds its values.
--
-- A row that comes and goes within one block is kept too: that is why all lines are loaded.
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates;
-- O the key of a row whose values the next line leaves out.

-- @all_lines
-- @live base.deleted_at IS NULL

-- @truncate
UPDATE %%BASE_TABLE_FQN%%
SET deleted_at = COALESCE(%%TRUNCATE_TIMESTAMP%%, UTC_TIMESTAMP(6))
WHERE deleted_at IS NULL;

-- @apply
DELETE FROM %%STAGE_TABLE_FQN%%;

LOAD DATA LOCAL INFILE '%%CSV_FILE%%' INTO TABLE %%STAGE_TABLE_FQN%%
CHARACTER SET utf8mb4
FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY ''
LINES TERMINATED BY '\n'
(%%LOAD_COLUMNS%%) %%LOAD_SET%%;
-- @expect rows %%CSV_ROWS%%

-- Lines from which the source left out values that an update did not touch: take them from the row as
-- it is before this file. The line in front of each, of opcode O, has that row's key.
-- DISTINCT has the server make a table of the O lines, with an index on dray_line.
-- @if unchanged
UPDATE %%STAGE_TABLE_FQN%% AS stage
STRAIGHT_JOIN (SELECT DISTINCT %%ROW_ID%% + 1 AS dray_line, %%PKEY%%
               FROM %%STAGE_TABLE_FQN%%
               WHERE %%OPCODE%% = 'O') AS origin ON origin.dray_line = stage.%%ROW_ID%%
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%ORIGIN_JOIN%%
SET %%UNCHANGED_SET%%
WHERE stage.%%UNCHANGED%% IS NOT NULL
  AND base.deleted_at IS NULL;

-- Each of these rows must be there. Then its O line has done its work.
-- @if unchanged
DELETE origin
FROM %%STAGE_TABLE_FQN%% AS origin
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%ORIGIN_JOIN%%
WHERE origin.%%OPCODE%% = 'O'
  AND base.deleted_at IS NULL;
-- @expect rows %%UNCHANGED_ROWS%%

-- A block that is loaded once more: what the base table does not have any more ends in a later block.
-- @if again
DELETE stage
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%ROW_ID%% IN (
    SELECT dray_line
    FROM (SELECT %%ROW_ID%% AS dray_line FROM %%STAGE_TABLE_FQN%% WHERE %%OPCODE%% = 'O'
          UNION ALL
          SELECT %%ROW_ID%% + 1 FROM %%STAGE_TABLE_FQN%% WHERE %%OPCODE%% = 'O') AS dray_lines);

-- Of each key keep the last image, and the deletion where that is the last line: at most one of each.
DELETE stage
FROM %%STAGE_TABLE_FQN%% AS stage
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
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%
SET stage.%%OPCODE%% = 'K', %%KEPT_SET%%
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI');

-- A new image clears it.
UPDATE %%STAGE_TABLE_FQN%%
SET deleted_at = NULL
WHERE deleted_at IS NOT NULL;

-- Replace the rows that have a new image.
DELETE base
FROM %%STAGE_TABLE_FQN%% AS stage
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%
WHERE stage.%%OPCODE%% = 'K';

INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, deleted_at)
SELECT %%BASE_COLUMNS%%, deleted_at
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% IN ('I', 'U', 'UI');

-- @if kept
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, %%KEPT_COLUMNS%%)
SELECT %%BASE_COLUMNS%%, %%KEPT_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE stage.%%OPCODE%% = 'K';

-- Deletions come last: of rows from before, and of rows that came in this block.
UPDATE %%STAGE_TABLE_FQN%% AS stage
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%
SET base.deleted_at = COALESCE(stage.%%TIMESTAMP%%, UTC_TIMESTAMP(6))
WHERE stage.%%OPCODE%% IN ('D', 'UD');
