-- A base table for keep_all.sql: a row for each version of a row, so that the key is not unique. Where deletes
-- are kept, each row has the opcode.
-- Texts are compared byte by byte, blanks at the end included: the collation for that has one name in
-- MariaDB and another one in MySQL.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/mysql/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
-- @if deletes
%%OPCODE_COLUMN%%,
-- @end
%%COLUMNS%%
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
    /*M!100202 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;
