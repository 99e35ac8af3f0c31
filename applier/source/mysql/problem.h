/*
 * problem.h - why changes of a table would be lost or refused, and the way out
 */
#pragma once

#include "source/mysql/tables.h"

/* Fill base.problem from the rest of the table. Pure. In the arena. */
void source_mysql_problem_set(MysqlTable *table, bool is_mariadb, Arena *arena);
