/*
 * manifest_names.h - the words of manifest.json, shared by its writer and its reader
 *
 * Indexed by CsvStyle, BytesNotation, BoolNotation and ZoneNotation; ended by NULL.
 */
#pragma once

extern const char *const manifest_style_names[];
extern const char *const manifest_bytes_names[];
extern const char *const manifest_bools_names[];
extern const char *const manifest_zone_names[];
