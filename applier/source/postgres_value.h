/*
 * postgres_value.h - PostgreSQL's text of a value into the canonical text of event/value.h
 *
 * With the session of source/postgres_connection.h the server's text is the canonical one for
 * every type but bytea, whose "\x" in front is taken away. Bytes inside of arrays, composites and
 * ranges stay as the server wrote them: those are LOGICAL_ARRAY and LOGICAL_OTHER, the source's own
 * text. Pure; used for the change stream and for snapshots, so that both give the same text.
 */
#pragma once

#include "base/error.h"
#include "event/event.h"

/* Make the value's text canonical, in place (no byte is copied). ERR_DATA where it cannot be. */
bool postgres_value_canonical(LogicalType logical, Value *value, Error *err) MUST_CHECK;
