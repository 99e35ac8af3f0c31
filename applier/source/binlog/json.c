#include "source/binlog/json.h"

#include <jansson.h>

#include "base/arena.h"
#include "base/next.h"
#include "source/binlog/json_value.h"
#include "source/binlog/wire.h"

/* What is printed or opened takes its bytes from here: values that overlap one another, which MySQL
 * never writes, could otherwise be printed without end. */
typedef struct Budget {
    size_t left;
} Budget;

static bool
spend(Budget *budget, size_t len, Error *err)
{
    if (len > budget->left)
        return error_set(err, ERR_DATA, "binary JSON: values overlap");
    budget->left -= len;
    return true;
}

static bool
too_deep(Error *err)
{
    return error_set(
        err, ERR_DATA, "JSON: more than %d arrays and objects in one another", BINLOG_JSON_DEPTH);
}

static bool print_value(
    const BinlogJson *value, unsigned depth, Budget *budget, Buf *out, Error *err);

static bool
print_key(const BinlogJsonContainer *container, size_t index, Budget *budget, Buf *out, Error *err)
{
    Text key;

    if (!binlog_json_key(container, index, &key, err) || !spend(budget, key.len, err) ||
        !binlog_json_print_string(key, out, err))
        return false;
    buf_add_string(out, ": ");
    return true;
}

static bool
print_container(const BinlogJson *value, unsigned depth, Budget *budget, Buf *out, Error *err)
{
    BinlogJsonContainer container;

    if (depth == BINLOG_JSON_DEPTH)
        return too_deep(err);
    if (!binlog_json_open(value, &container, err) || !spend(budget, container.header, err))
        return false;
    buf_add_char(out, container.is_object ? '{' : '[');
    for (size_t i = 0; i < container.count; i++) {
        BinlogJson child;

        if (i > 0)
            buf_add_string(out, ", ");
        if (container.is_object && !print_key(&container, i, budget, out, err))
            return false;
        if (!binlog_json_child(&container, i, &child, err) ||
            !print_value(&child, depth + 1, budget, out, err))
            return false;
    }
    buf_add_char(out, container.is_object ? '}' : ']');
    return true;
}

/* Numbers may stand in an entry, which has been paid. */
static bool
print_value(const BinlogJson *value, unsigned depth, Budget *budget, Buf *out, Error *err)
{
    size_t len;

    if (binlog_json_is_container(value))
        return print_container(value, depth, budget, out, err);
    return binlog_json_print_scalar(value, out, &len, err) && (len <= 8 || spend(budget, len, err));
}

bool
binlog_json_print(Text binary, Buf *out, Error *err)
{
    BinlogJson value = binlog_json_value(binary);
    Budget budget = {binary.len};

    return print_value(&value, 0, &budget, out, err);
}

/*
 * Diffs. A container is opened into nodes only where a path goes through it; all else stays the
 * bytes it was. Nodes live in an arena until the text is printed.
 */
typedef struct Node {
    Text key;         /* in an object */
    BinlogJson value; /* unless open */
    bool is_open;     /* a container: items are its content, in its order */
    bool is_object;   /* where open */
    struct Node *items;
    size_t count;
    size_t room;
} Node;

typedef struct Editor {
    Arena *arena;
    Budget budget; /* for opening */
    Node root;
} Editor;

/* One step of a path: a member's name, or a place in an array. */
typedef struct Leg {
    bool is_cell;
    bool is_from_end; /* "last", "last-2" */
    uint64_t index;
    Text member;
} Leg;

typedef struct Path {
    Text text; /* for error texts */
    size_t at;
} Path;

static bool
bad_path(const Path *path, const char *reason, Error *err)
{
    return error_set(err, ERR_DATA, "JSON diff: path \"" TEXT_FMT "\": %s",
        (int)MIN(path->text.len, 200U), path->text.data, reason);
}

static bool
path_is_at(const Path *path, char c)
{
    return path->at < path->text.len && path->text.data[path->at] == c;
}

static bool
read_number(Path *path, uint64_t *ret, Error *err)
{
    size_t begin = path->at;

    while (path->at < path->text.len && path->text.data[path->at] >= '0' &&
           path->text.data[path->at] <= '9')
        path->at++;
    if (!text_to_u64((Text){path->text.data + begin, path->at - begin}, ret) || *ret > UINT32_MAX)
        return bad_path(path, "a place in an array is no number", err);
    return true;
}

static bool
read_cell(Path *path, Leg *ret_leg, Error *err)
{
    Text rest = {path->text.data + path->at, path->text.len - path->at};

    *ret_leg = (Leg){.is_cell = true};
    if (text_starts_with(rest, "last")) {
        ret_leg->is_from_end = true;
        path->at += 4;
        if (path_is_at(path, '-')) {
            path->at++;
            if (!read_number(path, &ret_leg->index, err))
                return false;
        }
    } else if (!read_number(path, &ret_leg->index, err)) {
        return false;
    }
    if (!path_is_at(path, ']'))
        return bad_path(path, "\"]\" is missing", err);
    path->at++;
    return true;
}

/* A quoted name is a JSON string. */
static bool
read_quoted(Path *path, Arena *arena, Leg *ret_leg, Error *err)
{
    size_t begin = path->at++;
    json_t *name;

    while (path->at < path->text.len && !path_is_at(path, '"'))
        path->at += path_is_at(path, '\\') ? 2 : 1;
    if (path->at >= path->text.len)
        return bad_path(path, "a quote is missing", err);
    path->at++;
    name = json_loadb(
        path->text.data + begin, path->at - begin, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (name == NULL)
        return bad_path(path, "a quoted name is no JSON string", err);
    ret_leg->member = arena_text(arena, (Text){json_string_value(name), json_string_length(name)});
    json_decref(name);
    return true;
}

static bool
read_member(Path *path, Arena *arena, Leg *ret_leg, Error *err)
{
    size_t begin = path->at;

    *ret_leg = (Leg){.is_cell = false};
    if (path_is_at(path, '"'))
        return read_quoted(path, arena, ret_leg, err);
    while (path->at < path->text.len && !path_is_at(path, '.') && !path_is_at(path, '['))
        path->at++;
    ret_leg->member = (Text){path->text.data + begin, path->at - begin};
    if (ret_leg->member.len == 0)
        return bad_path(path, "a name is missing", err);
    return true;
}

/* NEXT_END behind the last step. */
static Next
next_leg(Path *path, Arena *arena, Leg *ret_leg, Error *err)
{
    bool is_read;

    if (path->at == path->text.len)
        return NEXT_END;
    if (path_is_at(path, '[')) {
        path->at++;
        is_read = read_cell(path, ret_leg, err);
    } else if (path_is_at(path, '.')) {
        path->at++;
        is_read = read_member(path, arena, ret_leg, err);
    } else {
        return bad_path(path, "neither a name nor a place follows", err) ? NEXT_ITEM : NEXT_FAILED;
    }
    return is_read ? NEXT_ITEM : NEXT_FAILED;
}

/* Make items of a container's bytes. */
static bool
open_node(Editor *editor, Node *node, Error *err)
{
    BinlogJsonContainer container;
    Node *items;

    if (node->is_open || !binlog_json_is_container(&node->value))
        return true;
    if (!binlog_json_open(&node->value, &container, err) ||
        !spend(&editor->budget, container.header, err))
        return false;
    items = ARENA_ARRAY(editor->arena, Node, container.count);
    for (size_t i = 0; i < container.count; i++) {
        if (container.is_object && !binlog_json_key(&container, i, &items[i].key, err))
            return false;
        if (!binlog_json_child(&container, i, &items[i].value, err))
            return false;
    }
    node->is_open = true;
    node->is_object = container.is_object;
    node->items = items;
    node->count = container.count;
    node->room = container.count;
    return true;
}

/* MySQL's order of keys: by length, then by bytes. */
static int
compare_keys(Text a, Text b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

/* Where the key is, or must be put. */
static size_t
find_key(const Node *node, Text key, bool *ret_found)
{
    size_t low = 0;
    size_t high = node->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_keys(node->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < node->count && compare_keys(node->items[low].key, key) == 0;
    return low;
}

/* The index in a list of count, and whether it is there. */
static size_t
find_cell(size_t count, const Leg *leg, bool *ret_found)
{
    if (!leg->is_from_end) {
        *ret_found = leg->index < count;
        return MIN(leg->index, count);
    }
    *ret_found = leg->index < count;
    return *ret_found ? count - 1 - leg->index : 0;
}

static bool
find_item(const Node *node, const Leg *leg, size_t *ret_at)
{
    bool is_found;

    if (!node->is_open || node->is_object == leg->is_cell)
        return false;
    *ret_at = leg->is_cell ? find_cell(node->count, leg, &is_found)
                           : find_key(node, leg->member, &is_found);
    return is_found;
}

/* The node one step further; NULL where there is none. What is no array counts as the only element
 * of one. */
static Node *
step(Node *node, const Leg *leg)
{
    size_t at;
    bool is_found;

    if (leg->is_cell && !(node->is_open && !node->is_object)) {
        (void)find_cell(1, leg, &is_found);
        return is_found ? node : NULL;
    }
    return find_item(node, leg, &at) ? &node->items[at] : NULL;
}

static bool
put_item(Editor *editor, Node *node, size_t at, const Node *item)
{
    if (node->count == node->room) {
        size_t room = MAX(2 * node->room, (size_t)8);
        Node *items = ARENA_ARRAY(editor->arena, Node, room);

        if (node->count > 0)
            memcpy(items, node->items, node->count * sizeof(*items));
        node->items = items;
        node->room = room;
    }
    memmove(&node->items[at + 1], &node->items[at], (node->count - at) * sizeof(*node->items));
    node->items[at] = *item;
    node->count++;
    return true;
}

static bool
insert(Editor *editor, Node *parent, const Leg *leg, BinlogJson value)
{
    Node item = {.key = leg->member, .value = value};
    bool is_found;
    size_t at;

    if (!parent->is_open || parent->is_object == leg->is_cell)
        return false;
    at = leg->is_cell ? find_cell(parent->count, leg, &is_found)
                      : find_key(parent, leg->member, &is_found);
    return (leg->is_cell || !is_found) && put_item(editor, parent, at, &item);
}

static bool
replace(Node *parent, const Leg *leg, BinlogJson value)
{
    Node *node = step(parent, leg);

    if (node == NULL)
        return false;
    *node = (Node){.key = node->key, .value = value};
    return true;
}

static bool
take_out(Node *parent, const Leg *leg)
{
    size_t at;

    if (!find_item(parent, leg, &at))
        return false;
    parent->count--;
    memmove(
        &parent->items[at], &parent->items[at + 1], (parent->count - at) * sizeof(*parent->items));
    return true;
}

enum {
    DIFF_REPLACE = 0,
    DIFF_INSERT = 1,
    DIFF_REMOVE = 2,
};

typedef struct Diff {
    unsigned operation;
    Path path;
    BinlogJson value;
} Diff;

static bool
read_diff(Reader *reader, Diff *ret_diff, Error *err)
{
    *ret_diff = (Diff){.operation = reader_u8(reader), .path.text = binlog_wire_text(reader)};
    if (!reader->overrun && ret_diff->operation > DIFF_REMOVE)
        return error_set(err, ERR_DATA, "JSON diff: unknown operation %u", ret_diff->operation);
    if (ret_diff->operation != DIFF_REMOVE)
        ret_diff->value = binlog_json_value(binlog_wire_text(reader));
    if (reader->overrun)
        return error_set(err, ERR_DATA, "JSON diff: it ends too early");
    if (!path_is_at(&ret_diff->path, '$'))
        return bad_path(&ret_diff->path, "it does not begin with $", err);
    ret_diff->path.at = 1;
    return true;
}

static bool
change(Editor *editor, Node *parent, const Leg *leg, const Diff *diff, Error *err)
{
    bool is_done = diff->operation == DIFF_REPLACE  ? replace(parent, leg, diff->value)
                   : diff->operation == DIFF_INSERT ? insert(editor, parent, leg, diff->value)
                                                    : take_out(parent, leg);

    if (!is_done)
        return bad_path(&diff->path,
            diff->operation == DIFF_INSERT ? "nothing can be inserted there"
                                           : "the document has nothing there",
            err);
    return true;
}

static bool
apply_diff(Editor *editor, Diff *diff, Error *err)
{
    Node *node = &editor->root;
    Leg leg = {0};
    Next next = next_leg(&diff->path, editor->arena, &leg, err);

    if (next == NEXT_END) {
        if (diff->operation != DIFF_REPLACE)
            return bad_path(&diff->path, "the document itself can only be replaced", err);
        editor->root = (Node){.value = diff->value};
        return true;
    }
    while (next == NEXT_ITEM) {
        Leg following;

        if (!open_node(editor, node, err))
            return false;
        next = next_leg(&diff->path, editor->arena, &following, err);
        if (next == NEXT_END)
            return change(editor, node, &leg, diff, err);
        node = step(node, &leg);
        if (node == NULL)
            return bad_path(&diff->path, "the document has nothing there", err);
        leg = following;
    }
    return false;
}

static bool
print_node(const Node *node, unsigned depth, Budget *budget, Buf *out, Error *err)
{
    if (!node->is_open)
        return print_value(&node->value, depth, budget, out, err);
    if (depth == BINLOG_JSON_DEPTH)
        return too_deep(err);
    buf_add_char(out, node->is_object ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0)
            buf_add_string(out, ", ");
        if (node->is_object) {
            if (!spend(budget, node->items[i].key.len, err) ||
                !binlog_json_print_string(node->items[i].key, out, err))
                return false;
            buf_add_string(out, ": ");
        }
        if (!print_node(&node->items[i], depth + 1, budget, out, err))
            return false;
    }
    buf_add_char(out, node->is_object ? '}' : ']');
    return true;
}

bool
binlog_json_apply(Text binary, Text diffs, Buf *out, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Budget budget = {binary.len + diffs.len};
    Editor editor = {arena, budget, {.value = binlog_json_value(binary)}};
    Reader reader = reader_of(diffs.data, diffs.len);

    while (reader.at < reader.len) {
        Diff diff;

        if (!read_diff(&reader, &diff, err) || !apply_diff(&editor, &diff, err))
            return false;
    }
    return print_node(&editor.root, 0, &budget, out, err);
}
