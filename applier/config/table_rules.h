/*
 * table_rules.h - reads "tables:", the list of table rules
 */
#pragma once

#include "config/config.h"
#include "config/document.h"

/* node is the value of "tables:", or NULL. Mistakes are noted in the document. */
void table_rules_read(Document *document, const yaml_node_t *node, TableRules *ret_rules);
/* Give back what is not in the configuration's arena: time zones. */
void table_rules_close(const TableRules *rules);
