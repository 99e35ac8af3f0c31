-- append.sql: the base table gets every line of every CSV file, and nothing is ever removed: an audit.
--
-- Base table: the header columns (dray_opcode, dray_seqno, dray_row_id, dray_timestamp), the source's
-- columns, and any others of your own, which get their DEFAULT. In a D line all columns but the key
-- are NULL, so they must allow it. No key is needed. Order by dray_seqno, dray_row_id; dray_row_id starts
-- anew where one transaction has a TRUNCATE or changed columns in it, and in rows of dray bootstrap.
-- A block that is replayed with --again comes in twice.
--
-- Where a source leaves out values that an update did not touch, they are NULL in the line, and
-- dray_unchanged, a header column too, has ",2,5,": the numbers of these columns in the CSV file. The base
-- table needs it only for tables with such updates. Lines of opcode O serve other scripts.
--
-- A TRUNCATE in the source leaves the lines of the table as they are.

-- @all_lines

-- @apply
DELETE FROM %%STAGE_TABLE_FQN%%;

COPY %%STAGE_TABLE_FQN%% (%%LOAD_COLUMNS%%)
FROM STDIN WITH (FORMAT csv, NULL %%CSV_NULL%%, ENCODING 'UTF8');
-- @expect rows %%CSV_ROWS%%

-- @if unchanged
DELETE FROM %%STAGE_TABLE_FQN%%
WHERE %%OPCODE%% = 'O';
-- @expect rows %%UNCHANGED_ROWS%%

INSERT INTO %%BASE_TABLE_FQN%% (%%HEADER_COLUMNS%%, %%BASE_COLUMNS%%)
OVERRIDING SYSTEM VALUE
SELECT %%HEADER_COLUMNS%%, %%BASE_COLUMNS%%
FROM %%STAGE_TABLE_FQN%% AS stage;
