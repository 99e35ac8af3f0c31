/*
 * copy.h - one table of a bootstrap: chunks into blocks, blocks into the target
 */
#pragma once

#include "apply/bootstrap/parts.h"

/* Is there a whole copy of the table on disk, read from the snapshot at this position? */
bool bootstrap_is_spooled(const char *directory, Text position);
/* Copy one table; the worker's thread. */
bool bootstrap_copy(BootstrapWorker *worker, BootstrapJob *job, Error *err) MUST_CHECK;
