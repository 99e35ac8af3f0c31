/*
 * magic_words.h - cube_dispatcher's words in a partition template
 *
 *     _DEST_TABLE     the partition, schema-qualified and quoted
 *     _PARENT         the parent table, the same
 *     _PKEY           the key's columns, quoted, with commas between
 *     _SCHEMA_TABLE   schema and partition joined by "__", as one quoted name: for names of indexes
 *
 * Replaced in one pass, whole words only: what was put in is not looked at again, and a table named
 * a_PKEY is safe. One exception, since templates build names of it: _SCHEMA_TABLE inside a longer
 * word (_SCHEMA_TABLE_idx) makes the whole word one quoted name. Inside a quoted name or a string
 * the bare text is put in, its quotes doubled. Comments stay as they are.
 *
 * cube_dispatcher's program joins schema and table by two underscores where its manual page says
 * one; this follows the program.
 */
#pragma once

#include "base/arena.h"
#include "target/sql_dialect.h"
#include "target/sql_scanner.h"

typedef struct MagicWords {
    Text schema; /* "" where the target has none, or the connection's own */
    Text partition;
    Text parent;
    const Text *key; /* column names */
    size_t key_count;
} MagicWords;

/*
 * What the rules above leave open: _SCHEMA_TABLE takes every dot of the names as "__", as the
 * program does. A name built of it that is longer than the server allows is cut and gets a hash
 * (stage_table_name()), since the server's own cutting could give two partitions one name. Text
 * between dollar quotes is code, and is filled as such.
 */

/* Does the text use the word _PKEY outside of comments? */
bool magic_words_need_key(Text sql, const SqlDialect *dialect);
/* Lines stay where they are. In the arena. */
Text magic_words_fill(Text sql, const SqlDialect *dialect, const MagicWords *words, Arena *arena);
/* The same for one token of it. */
void magic_words_add(
    const SqlToken *token, const SqlDialect *dialect, const MagicWords *words, Buf *out);
bool magic_words_ask_key(const SqlToken *token);
