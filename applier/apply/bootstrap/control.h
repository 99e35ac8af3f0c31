/*
 * control.h - what a bootstrap itself reads and writes in the target; the main thread
 */
#pragma once

#include "apply/bootstrap/parts.h"

/* In a transaction, or (is_plain) outside one; connects and tries again what is retriable. */
typedef bool ControlFn(BootstrapRun *run, void *argument, Error *err);
bool bootstrap_control(
    BootstrapRun *run, bool is_plain, ControlFn *call, void *argument, Error *err) MUST_CHECK;
/* dray_bootstrap as it is, made where it is missing. In the run's arena. */
bool bootstrap_control_states(
    BootstrapRun *run, BootstrapState **ret_states, size_t *ret_count, Error *err) MUST_CHECK;
/* Mark the waiting jobs as copying; those that begin anew lose their row in dray_position. Where
 * the service does not run, has no position, and the source keeps none (SOURCE_PLACE_IN_TARGET), it
 * gets the snapshot's. */
bool bootstrap_control_begin(BootstrapRun *run, Error *err) MUST_CHECK;
/* Mark a table that is no job yet: as one that is not emptied when it is begun. */
bool bootstrap_control_mark(BootstrapRun *run, const SourceTable *table, Error *err) MUST_CHECK;
/* A job is ready, from its own position on. */
bool bootstrap_control_ready(BootstrapRun *run, BootstrapJob *job, Error *err) MUST_CHECK;
/* All copied jobs are ready from this position on, if the service stands where it was: its row is
 * locked and compared, ERR_FENCED otherwise. catch_up loses its row in dray_position. */
bool bootstrap_control_ready_held(BootstrapRun *run, const Position *service, Text position,
    const char *catch_up, Error *err) MUST_CHECK;
/* Forget a derived service. */
bool bootstrap_control_forget(BootstrapRun *run, const char *service, Error *err) MUST_CHECK;
/* The position of the service or of a derived one; all empty where there is none. In the run's
 * arena. */
bool bootstrap_control_position(
    BootstrapRun *run, const char *service, Position *ret_position, Error *err) MUST_CHECK;
/* The target's table of a job; NULL where there is none. In the run's arena. */
bool bootstrap_control_describe(
    BootstrapRun *run, const OutTable *out, TargetTable **ret_table, Error *err) MUST_CHECK;
/* Has the table that a job loads into any row? Its name, a partition's where there are partitions,
 * in the run's arena. */
bool bootstrap_control_find_row(BootstrapRun *run, const OutTable *out, bool *ret_found,
    Text *ret_table, Error *err) MUST_CHECK;
