/*
 * retain.h - partitions whose time is over; only this folder includes it
 */
#pragma once

#include "apply/partition/parts.h"

/* Let the old ones of the same parent go. *ret_all is false where one could not be let go now; that
 * is logged, and loading goes on. Errors are those of the connection, and a stop. */
bool partition_retire(PartitionJob *job, bool *ret_all, Error *err) MUST_CHECK;
