/*
 * template.h - the statements that make a partition, or let it go; only this folder includes
 * it
 */
#pragma once

#include "apply/partition/parts.h"
#include "ddl/template.h"

/* The path of a template, in the arena; ERR_CONFIG names the places. */
const char *partition_template(const Context *context, const char *name, Arena *arena, Error *err)
    MUST_CHECK;
/* A template's statements for the partition; it may only be empty where it is not the one that
 * makes it. */
bool partition_statements(PartitionJob *job, const char *path, const TemplateFlag *flags,
    size_t flag_count, TemplateStatements *ret_statements, Error *err) MUST_CHECK;
/* The same of job->make_path, with its flags. */
bool partition_make_statements(PartitionJob *job, TemplateStatements *ret_statements, Error *err)
    MUST_CHECK;
/* Append the DEFAULT of a column of the parent; nothing where it has none. */
bool partition_column_default(
    const PartitionJob *job, const TargetColumn *column, Buf *out, Error *err) MUST_CHECK;
/* Run them; errors name file and line. */
bool partition_run(const PartitionJob *job, const char *path, const TemplateStatements *statements,
    Error *err) MUST_CHECK;
