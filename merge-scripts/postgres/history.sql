-- history.sql: the base table holds all versions of every row.
--
-- Base table: the source's columns, valid_from and valid_to (timestamps, both allow NULL), and any
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
SET valid_to = COALESCE(%%TRUNCATE_TIMESTAMP%%, CURRENT_TIMESTAMP)
WHERE valid_to IS NULL;

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
  AND base.valid_to IS NULL;
-- @expect rows %%UNCHANGED_ROWS%%

-- A block that is loaded once more: what the base table does not have any more ends in a later block.
-- @if again
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%UNCHANGED%% IS NOT NULL;

-- @if unchanged
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%OPCODE%% = 'O';

-- The key's first line in the block ends the version that was current until then.
UPDATE %%BASE_TABLE_FQN%% AS base
SET valid_to = COALESCE(stage.%%TIMESTAMP%%, CURRENT_TIMESTAMP)
FROM %%STAGE_TABLE_FQN%% AS stage
WHERE %%PKEY_JOIN%%
  AND base.valid_to IS NULL
  AND stage.%%ROW_ID%% IN (
      SELECT first_row
      FROM (SELECT MIN(stage.%%ROW_ID%%) AS first_row
            FROM %%STAGE_TABLE_FQN%% AS stage
            GROUP BY %%PKEY_GROUP%%) AS first_rows);

-- One version for each line with an image, up to the next line of its key.
INSERT INTO %%BASE_TABLE_FQN%% (%%BASE_COLUMNS%%, valid_from, valid_to)
OVERRIDING SYSTEM VALUE
SELECT %%BASE_COLUMNS%%, dray_from, dray_to
FROM (SELECT stage.*,
             COALESCE(stage.%%TIMESTAMP%%, CURRENT_TIMESTAMP) AS dray_from,
             LEAD(COALESCE(stage.%%TIMESTAMP%%, CURRENT_TIMESTAMP))
                 OVER (PARTITION BY %%PKEY_GROUP%% ORDER BY stage.%%ROW_ID%%) AS dray_to
      FROM %%STAGE_TABLE_FQN%% AS stage) AS changes
WHERE changes.%%OPCODE%% IN ('I', 'U', 'UI');
