/*
 * manifest_read.h - the words of manifest.json, shared by its writer (manifest.c) and its reader
 *
 * Indexed by CsvStyle, BytesNotation, BoolNotation and ZoneNotation; ended by NULL. The functions
 * of manifest_read.c are declared in manifest.h.
 */
#pragma once

extern const char *const manifest_style_names[];
extern const char *const manifest_bytes_names[];
extern const char *const manifest_bools_names[];
extern const char *const manifest_zone_names[];
extern const char *const manifest_geometry_names[];
