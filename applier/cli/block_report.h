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
/* Those lines as {"blocks": …, "faults": […], "notes": […]}. */
void block_report_check_json(const BlockList *list, Text lines, Buf *out);
/* What was removed, or would be. */
void block_report_prune(const BlockList *removed, bool dry_run, Buf *out);
/* {"dry_run": …, "removed": [{"path", "first_seqno", "bytes"}], "bytes": …} */
void block_report_prune_json(const BlockList *removed, bool dry_run, Buf *out);
