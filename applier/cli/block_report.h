/*
 * block_report.h - what "dray blocks" prints: lists, manifests, faults
 */
#pragma once

#include "block/retention.h"

/* A line a block. committed is the target's seqno; NULL: not known. */
void block_report_text(const BlockList *list, const uint64_t *committed, Buf *out);
/* The same as a JSON array. */
void block_report_json(const BlockList *list, const uint64_t *committed, Buf *out);
/* A manifest for people. */
void block_report_manifest(const Block *block, Buf *out);
/* Check every block; a line for each fault and note. Returns the number of faults. */
size_t block_report_check(const BlockList *list, Buf *out);
/* How many of the oldest blocks retention_apply() would remove. */
size_t block_report_excess(const BlockList *list, const Retain *retain, uint64_t committed);
