/*
 * postgres_problem.h - why changes of a table would be lost or refused, and the way out. Pure.
 *
 * One text a table, in which reasons stand one behind the other with "; " between them, each with
 * the SQL that helps.
 */
#pragma once

#include "source/postgres_tables.h"

/* Appends nothing where there is no problem. The publication may be one that does not exist yet:
 * then the table is judged as if it were published by one that publishes everything. */
void postgres_problem_add(
    const PostgresTable *table, const PostgresPublication *publication, Buf *problem);

/* Would the server refuse UPDATE and DELETE of the table, once it is published? */
bool postgres_problem_is_refusal(const PostgresTable *table);
