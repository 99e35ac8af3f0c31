-- A staging table: the header columns, then the base table's columns, nullable, without constraints.
-- Where the server asks for a primary key (sql_require_primary_key), add one on the row_id column.
-- Edit a copy in templates/mysql/ beside the configuration file.
CREATE TABLE %%STAGE_TABLE_FQN%% (
%%COLUMNS%%
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
    /*M!100202 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;
