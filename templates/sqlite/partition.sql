-- A partition as a table of its own, with the columns of its parent: types, collations, NOT NULL, defaults.
-- Generated columns, checks and indexes do not come along: write them in a copy of this file. The parent
-- does not show the rows; a view with UNION ALL does.
-- Parameters and lines that begin with "-- @" are in docs/partitions.md. Edit a copy beside the
-- configuration file.
CREATE TABLE %%PARTITION_TABLE_FQN%% (
%%COLUMNS%%
-- @if parent_key
    , PRIMARY KEY (%%PARENT_PKEY%%)
-- @end
-- The parent has no primary key.
-- @if new_key
    , PRIMARY KEY (%%PKEY%%)
-- @end
);
