-- A staging table: the header columns, then the base table's columns, nullable, without constraints.
-- Edit a copy in templates/sqlite/ beside the configuration file.
CREATE TABLE %%STAGE_TABLE_FQN%% (
%%COLUMNS%%
);
