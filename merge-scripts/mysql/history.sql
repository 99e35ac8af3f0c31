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
-- Opcodes: I insert, D delete; U, UI, UD with block.update_opcode, block.distinguish_updates.

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
