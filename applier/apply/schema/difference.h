/*
 * schema_difference.h - what else differs from the shape before: dropped columns, types, the key
 */
#pragma once

#include "apply/schema/admission.h"

/* The shape before is known, and another one. What must be done is noted, the rest warned of. */
bool admission_differences(Admission *admission, Error *err) MUST_CHECK;
/* Columns of a rule's key whose old values the source does not tell: a warning. */
bool admission_identity(Admission *admission, Error *err) MUST_CHECK;
