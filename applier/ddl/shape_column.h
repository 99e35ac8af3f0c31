/*
 * shape_column.h - a column described by what the change stream tells of it alone. Pure.
 *
 * For sources without a catalogue, and for columns that the catalogue does not have any more.
 */
#pragma once

#include "base/arena.h"
#include "event/event.h"
#include "source/source_table.h"

/*
 * type is the text of a type as PostgreSQL's format_type() spells it: "character varying(20)",
 * "numeric(10,2)", "timestamp(3) with time zone", "integer[]", "public.mood", or as MySQL shows it:
 * "decimal(10,2) unsigned", "datetime(3)", "int(11)". What it does not say (NOT NULL, labels, the
 * value of older rows) is not known. In the arena.
 */
SourceColumn shape_column(Text name, Text type, LogicalType logical, Arena *arena);
