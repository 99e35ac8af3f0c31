/*
 * partition.h - which partition the rows of a transaction go to
 *
 * A table rule with partition: sends all rows of a transaction to <target table>_<suffix>, where
 * the suffix is the commit time in the rule's zone through the rule's format. A block never holds
 * transactions of two partitions of any table: the reader closes it before (partition_differs()),
 * so that a block has one partition a table, which loading and replay compute again from the
 * block's commit times.
 *
 * Reads the tz database when a configuration is loaded; else pure.
 */
#pragma once

#include "config/config.h"

/* One partition of a table. Texts in the caller's Buf or arena. */
typedef struct Partition {
    Text suffix;
    /* The period that has this suffix, by the finest unit of the format: from start_us to before
     * end_us. */
    int64_t start_us;
    int64_t end_us;
} Partition;

/* In the arena. ERR_DATA where the time is not known (TIME_UNKNOWN). */
bool partition_of(const PartitionRule *rule, int64_t commit_time_us, Arena *arena,
    Partition *ret_partition, Error *err) MUST_CHECK;

/* Would any rule send transactions of these two times to two partitions? Times that are not known
 * differ from none. */
bool partition_differs(const TableRules *rules, int64_t a_us, int64_t b_us);

/* From start_us to before end_us: partition_differs() of no two of them. There may be more such
 * times. To be asked of each transaction of many. */
typedef struct PartitionPeriod {
    int64_t start_us;
    int64_t end_us;
} PartitionPeriod;

/* One that has this time. */
PartitionPeriod partition_period(const TableRules *rules, int64_t time_us);

/* name_suffix. In the arena. */
Text partition_name(Text table, Text suffix, Arena *arena);
