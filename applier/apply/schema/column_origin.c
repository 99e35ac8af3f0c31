#include "apply/schema/column_origin.h"

typedef enum Verdict {
    VERDICT_NO,
    VERDICT_YES,
    VERDICT_MAYBE,
} Verdict;

/* SIZE_MAX where out has none of that name. */
static size_t
out_index(const OriginQuestion *question, Text name)
{
    for (size_t i = 0; i < question->out->column_count; i++) {
        Text other = question->out->columns[i].name;

        if (text_equal(other, name) || (question->fold_names && text_equal_nocase(other, name)))
            return i;
    }
    return SIZE_MAX;
}

static size_t
known_index(const KnownShape *shape, const TableRule *rule, const OriginQuestion *question,
    Text target_name)
{
    for (size_t i = 0; i < shape->column_count; i++) {
        Text name = rule_column_name(rule, shape->columns[i].name);

        if (!rule_skips_column(rule, shape->columns[i].name) &&
            (text_equal(name, target_name) ||
                (question->fold_names && text_equal_nocase(name, target_name))))
            return i;
    }
    return SIZE_MAX;
}

static size_t
table_index(const Table *table, Text name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (text_equal(table->columns[i].name, name))
            return i;
    return SIZE_MAX;
}

static bool
shape_has(const KnownShape *shape, Text name)
{
    for (size_t i = 0; i < shape->column_count; i++)
        if (text_equal(shape->columns[i].name, name))
            return true;
    return false;
}

/* Does the source's order tell which column is older? */
static bool
is_ordered(const OriginQuestion *question)
{
    int last = 0;

    if (question->source == NULL)
        return false;
    for (size_t i = 0; i < question->source->column_count; i++) {
        if (question->source->columns[i].number <= last)
            return false;
        last = question->source->columns[i].number;
    }
    return true;
}

/* Does a column that both shapes have stand behind the old name, and before the new one? */
static bool
is_younger(const OriginQuestion *question, size_t old, size_t index)
{
    for (size_t i = old + 1; i < question->before->column_count; i++)
        if (table_index(question->table, question->before->columns[i].name) < index)
            return true;
    return false;
}

/* Is there, behind the new name, a column that was there before? Then so was the new one. */
static bool
is_older(const OriginQuestion *question, size_t index)
{
    for (size_t i = index + 1; i < question->table->column_count; i++)
        if (shape_has(question->before, question->table->columns[i].name))
            return true;
    return false;
}

static Verdict
judge_by_shape(const OriginQuestion *question, const OutColumn *column, Text name)
{
    size_t old = known_index(question->before, question->out->rule, question, name);
    size_t index = column->source_index;
    const SourceColumn *now = question->source == NULL ? NULL
                                                       : source_table_column(question->source,
                                                             question->table->columns[index].name);

    if (old == SIZE_MAX)
        return VERDICT_NO;
    if (question->before->columns[old].number > 0 && now != NULL && now->number > 0)
        return question->before->columns[old].number == now->number ? VERDICT_YES : VERDICT_NO;
    return is_ordered(question) && is_younger(question, old, index) ? VERDICT_NO : VERDICT_MAYBE;
}

/* Do the columns that both have stand in the same order in the target as in the source? */
static bool
orders_agree(const OriginQuestion *question)
{
    size_t last = 0;

    for (size_t i = 0; i < question->target->column_count; i++) {
        size_t index = out_index(question, question->target->columns[i].name);

        if (index == SIZE_MAX)
            continue;
        if (index < last)
            return false;
        last = index;
    }
    return true;
}

static Verdict
judge_by_target(const OriginQuestion *question, const OutColumn *column, size_t place)
{
    size_t index = (size_t)(column - question->out->columns);

    if (!is_ordered(question) || !orders_agree(question))
        return VERDICT_MAYBE;
    for (size_t i = place + 1; i < question->target->column_count; i++)
        if (out_index(question, question->target->columns[i].name) < index)
            return VERDICT_NO;
    return VERDICT_MAYBE;
}

static bool
is_known(const OriginQuestion *question, const OutColumn *column)
{
    return question->before != NULL &&
           shape_has(question->before, question->table->columns[column->source_index].name);
}

/* Was the column there before, under a name that the target does not have (any more)? */
static bool
is_old_by_number(const OriginQuestion *question, const OutColumn *column)
{
    const SourceColumn *now = question->source == NULL
                                  ? NULL
                                  : source_table_column(question->source,
                                        question->table->columns[column->source_index].name);

    if (question->before == NULL || now == NULL || now->number == 0)
        return false;
    for (size_t i = 0; i < question->before->column_count; i++)
        if (question->before->columns[i].number == now->number)
            return true;
    return false;
}

/* Somebody gave it a name between the two: it may be any column that nothing else goes to. */
static void
add_unused(const OriginQuestion *question, ColumnOrigin *origin)
{
    for (size_t i = 0; i < question->target->column_count; i++) {
        const TargetColumn *old = &question->target->columns[i];

        if (!old->generated && out_index(question, old->name) == SIZE_MAX)
            origin->names[origin->count++] = old->name;
    }
}

ColumnOrigin
column_origin(const OriginQuestion *question, const OutColumn *column, Arena *arena)
{
    const TargetTable *target = question->target;
    ColumnOrigin origin = {.names = ARENA_ARRAY(arena, Text, target->column_count + 1)};

    /* it had this name before: then it only got lost in the target */
    for (size_t i = 0; !is_known(question, column) && i < target->column_count; i++) {
        const TargetColumn *old = &target->columns[i];
        Verdict verdict;

        if (old->generated || out_index(question, old->name) != SIZE_MAX)
            continue;
        verdict = question->before != NULL ? judge_by_shape(question, column, old->name)
                                           : judge_by_target(question, column, i);
        if (verdict == VERDICT_YES) {
            origin = (ColumnOrigin){ORIGIN_RENAMED, origin.names, 1};
            origin.names[0] = old->name;
            return origin;
        }
        if (verdict == VERDICT_MAYBE)
            origin.names[origin.count++] = old->name;
    }
    if (origin.count == 1 && question->before != NULL && is_ordered(question) &&
        is_older(question, column->source_index)) {
        origin.kind = ORIGIN_RENAMED;
        return origin;
    }
    if (origin.count == 0 && !is_known(question, column) && is_old_by_number(question, column))
        add_unused(question, &origin);
    origin.kind = origin.count == 0 ? ORIGIN_ADDED : ORIGIN_UNKNOWN;
    return origin;
}
