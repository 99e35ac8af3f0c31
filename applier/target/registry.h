/*
 * registry.h - the driver objects, one a file
 *
 * A driver whose library is absent from this build comes from missing_<name>.c: it stays listed,
 * with the reason in .missing and nothing else to call. target.h has the list and how to find one
 * by its name.
 */
#pragma once

#include "target/target.h"

extern const TargetDriver target_sqlite;
extern const TargetDriver target_postgres;
extern const TargetDriver target_mysql;
