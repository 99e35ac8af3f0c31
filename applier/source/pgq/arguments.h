/*
 * arguments.h - the arguments of PgQ's triggers, as an option of the configuration. Pure.
 *
 *     backup                  updates carry the old row
 *     deny                    every change is refused
 *     SKIP                    the change is logged and not made
 *     ignore=a,b   pkey=a,b   columns
 *     when=…  ev_type=…  ev_data=…  ev_extra1=… to ev_extra4=…    SQL expressions of the row
 *
 * PgQ itself tells of a wrong one only when the trigger fires, in somebody's transaction.
 *
 * Source: PgQ 3.5, common.c (parse_newstyle_args).
 */
#pragma once

#include "base/error.h"
#include "config/field.h"

/* ERR_CONFIG where one is unknown, comes twice, or lacks its value. */
bool pgq_arguments_check(const TextList *arguments, Error *err) MUST_CHECK;
/* The value of "name=value"; for a word alone an empty text; TEXT_NONE: it is not there. */
Text pgq_arguments_find(const TextList *arguments, const char *name);
