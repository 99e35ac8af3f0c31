/*
 * jobs.h - which tables a bootstrap loads, and how each is begun
 */
#pragma once

#include "apply/bootstrap/parts.h"

/* Fill run->jobs; nothing is changed yet but tables that create_tables: all makes. */
bool bootstrap_plan(BootstrapRun *run, Error *err) MUST_CHECK;
