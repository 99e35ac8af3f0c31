/*
 * block_shape.h - the columns and the key of one generation of a table. Pure.
 */
#pragma once

#include "block/manifest.h"
#include "event/rule.h"

/* Would a line of b be understood as one of a? */
bool block_shape_equal(const OutTable *a, const OutTable *b);
/* May an update leave a value out? */
bool block_shape_omits(const OutTable *out);
/* Describe columns and key, all texts in the arena. */
void block_shape_describe(const OutTable *out, Arena *arena, BlockFile *file);
