-- A base table for history.sql: a row for each version, and an index that finds the versions of a key.
-- Texts are compared byte by byte, blanks at the end included: the collation for that has one name in
-- MariaDB and another one in MySQL.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/mysql/ beside the configuration file.
-- @column valid_from datetime(6)
-- @column valid_to datetime(6)
CREATE TABLE %%BASE_TABLE_FQN%% (
%%COLUMNS%%,
%%OWN_COLUMNS%%
-- @if key
    , KEY (%%PKEY%%)
-- @end
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
    /*M!100202 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;
