/*
 * handover.h - beside a running service: marking tables, and handing them over
 */
#pragma once

#include "apply/bootstrap/parts.h"

/* While a service runs: hold it, before a table is published that it must not see yet. */
bool bootstrap_hold(BootstrapRun *run, Error *err) MUST_CHECK;
/* Mark the jobs as copying while it is held, let it go on. */
bool bootstrap_mark_held(BootstrapRun *run, Error *err) MUST_CHECK;
/* After a round: bring the copied tables to where the service stands, and hand them over. */
bool bootstrap_hand_over(BootstrapRun *run, Error *err) MUST_CHECK;
