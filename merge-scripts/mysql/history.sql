-- history.sql: the base table holds all versions of every row.
--
-- Base table: the source's columns, valid_from and valid_to (DATETIME(6), both allow NULL), and any
-- others of your own, which get their DEFAULT. A version is valid from valid_from on and before
-- valid_to; the version with valid_to NULL is the current one. Times are the source's commit times
-- in UTC. Changes of one row in one transaction have one commit time: each is a version, and all but
-- the last are valid for no time at all (valid_from = valid_to).
-- It needs a key ("key:" in the table rule, or the source's), and an index on it, but the base table
-- must not have a primary or unique key over the source's columns alone.
-- A block that is replayed with --again comes in twice.
--
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates;
-- O the key of a row whose values the next line leaves out.

-- @all_lines
-- @live base.valid_to IS NULL

-- @truncate
-- Every row ends, none is removed.
UPDATE %%BASE_TABLE_FQN%%
SET valid_to = COALESCE(%%TRUNCATE_TIMESTAMP%%, UTC_TIMESTAMP(6))
WHERE valid_to IS NULL;

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
  AND base.valid_to IS NULL;

-- Each of these rows must be there. Then its O line has done its work.
-- @if unchanged
DELETE origin
FROM %%STAGE_TABLE_FQN%% AS origin
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%ORIGIN_JOIN%%
WHERE origin.%%OPCODE%% = 'O'
  AND base.valid_to IS NULL;
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

-- The key's first line in the block ends the version that was current until then.
UPDATE %%STAGE_TABLE_FQN%% AS stage
STRAIGHT_JOIN %%BASE_TABLE_FQN%% AS base ON %%PKEY_JOIN%%
SET base.valid_to = COALESCE(stage.%%TIMESTAMP%%, UTC_TIMESTAMP(6))
WHERE base.valid_to IS NULL
  AND stage.%%ROW_ID%% IN (
      SELECT first_row
      FROM (SELECT MIN(stage.%%ROW_ID%%) AS first_row
            FROM %%STAGE_TABLE_FQN%% AS stage
            GROUP BY %%PKEY_GROUP%%) AS first_rows);

-- One version for each line with an image, up to the next line of its key.
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, valid_from, valid_to)
SELECT %%BASE_COLUMNS%%, dray_from, dray_to
FROM (SELECT stage.*,
             COALESCE(stage.%%TIMESTAMP%%, UTC_TIMESTAMP(6)) AS dray_from,
             LEAD(COALESCE(stage.%%TIMESTAMP%%, UTC_TIMESTAMP(6)))
                 OVER (PARTITION BY %%PKEY_GROUP%% ORDER BY stage.%%ROW_ID%%) AS dray_to
      FROM %%STAGE_TABLE_FQN%% AS stage) AS changes
WHERE changes.%%OPCODE%% IN ('I', 'U', 'UI');
