/*
 * driver.h - the driver of source "mysql", for the registry: needs no client library
 */
#pragma once

#include "source/source.h"

extern const SourceDriver source_mysql;
