#include "source/postgres_value.h"

bool
postgres_value_canonical(LogicalType logical, Value *value, Error *err)
{
    if (logical != LOGICAL_BYTES || value->kind != VALUE_TEXT)
        return true;
    if (!text_starts_with(value->text, "\\x"))
        return error_set(err, ERR_DATA,
            "bytea is not in hexadecimal notation (bytea_output was changed in the session)");
    value->text.data += 2;
    value->text.len -= 2;
    return true;
}
