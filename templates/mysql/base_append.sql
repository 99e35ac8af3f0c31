-- A base table for append.sql: the header columns and the source's, which may all be NULL: the lines of
-- deletes have only the key.
-- Texts are compared byte by byte, blanks at the end included: the collation for that has one name in
-- MariaDB and another one in MySQL.
-- Parameters and lines that begin with "-- @" are in docs/tables.md. Edit a copy in
-- templates/mysql/ beside the configuration file.
CREATE TABLE %%BASE_TABLE_FQN%% (
%%HEADER_COLUMNS%%,
%%NULLABLE_COLUMNS%%
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
    /*M!100202 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;
