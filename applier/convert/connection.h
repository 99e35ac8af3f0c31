/*
 * connection.h - connection strings of libpq without their secrets
 *
 * Source: PostgreSQL documentation, "Connection Strings" (keyword and value; URI).
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/*
 * Append the string as a value for Dray's configuration: "${" is made "$${", and each secret of it
 * (password, sslpassword) becomes ${variable} (and ${variable_SSL}), in quotes where the form has
 * them. *ret_secrets: how many; 0 where the string has none, or they are empty. False with a reason
 * (which never holds a part of the string) when libpq could not read it either.
 */
bool connection_without_secrets(
    Text text, const char *variable, Buf *out, size_t *ret_secrets, Buf *reason) MUST_CHECK;
