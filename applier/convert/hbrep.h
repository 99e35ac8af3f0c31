/*
 * hbrep.h - hbrep's ini file into a service with source pgq and a rule for each mapped table
 *
 * There is no target for HBase yet: that part, and which column goes to which cell, come out as
 * comments.
 *
 * Source: hbrep's README, and the program as it was in HBase 0.2.
 */
#pragma once

#include "convert/convert.h"

extern const Converter convert_hbrep;
