/*
 * reload.h - blocks that were committed once, but that the target has forgotten
 *
 * After a fail-over to a standby that lagged behind, or a backup restored, the position lies before
 * blocks that are retained as committed. Those that follow the position without a gap are loaded
 * again before the source is opened, so that nothing depends on the source still having them.
 */
#pragma once

#include "apply/loader.h"

/* Logs each block. Retained blocks that do not follow the position are left alone:
 * retention_clean() then tells what to do. */
bool reload_retained(const Context *context, Loader *loader, Error *err) MUST_CHECK;
