/*
 * schema_missing.h - columns that the target lacks: added, left out, or asked for
 */
#pragma once

#include "apply/schema/admission.h"

/* Does the target lack a column of out (or is the table gone)? */
bool admission_lacks(const Admission *admission);
/* Add them or leave them out, as the policy says; what it does not say is noted as to be done. */
bool admission_missing(Admission *admission, Error *err) MUST_CHECK;
