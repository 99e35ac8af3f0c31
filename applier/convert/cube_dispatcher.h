/*
 * cube_dispatcher.h - cube_dispatcher's ini file into a service with source pgq, partitions, and
 * keep_latest.sql or keep_all.sql
 *
 * Source: Skytools' manual page of cube_dispatcher, and the program of Skytools 2.1.
 */
#pragma once

#include "convert/convert.h"

extern const Converter convert_cube_dispatcher;
