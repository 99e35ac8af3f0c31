/*
 * encoding.h - texts in the encoding of a database that is not UTF-8, into UTF-8
 *
 * logutriga encodes the bytes that the database has, whatever the client's encoding is. What has
 * only ASCII in it needs no conversion. Every encoding that a PostgreSQL database can have is known
 * but MULE_INTERNAL, which PostgreSQL itself does not convert into UTF-8. Texts of SQL_ASCII pass
 * where they are UTF-8.
 *
 * The result is PostgreSQL's own, to the character: iconv's tables are the same, but for a few
 * codes, which are told in encoding.c. What PostgreSQL cannot show to a client in UTF-8 is refused
 * here as well. A test compares every code with convert_from() of a real server.
 *
 * Belongs to one thread. Source: PostgreSQL documentation, "Character Set Support"; the codes are
 * those of PostgreSQL 15.
 */
#pragma once

#include "base/attr.h"
#include "base/error.h"
#include "base/text.h"

typedef struct PgqEncoding PgqEncoding;

/* By the name that the server has for it (parameter server_encoding). Never NULL: of an encoding
 * that is not known, or that the C library lacks, every text is an error. */
PgqEncoding *pgq_encoding_new(const char *name) MUST_CHECK;
void pgq_encoding_free(PgqEncoding *encoding);
CLEANUP_DEFINE(PgqEncoding *, pgq_encoding_free);

const char *pgq_encoding_name(const PgqEncoding *encoding);
/* Can texts of it be converted at all? */
bool pgq_encoding_is_known(const PgqEncoding *encoding);

/* The text in UTF-8, in a buffer that the next call uses again. Of a character with n bytes above
 * 127 at most 3n bytes come. ERR_DATA names the bytes that are no character, and the way out. */
bool pgq_encoding_convert(PgqEncoding *encoding, Text text, Text *ret_text, Error *err) MUST_CHECK;
