/* What a code module of hotpair sees: version 1 of the interface. docs/writing-a-module.md tells it
 * with examples. Plain C11, no library; clang compiles it for wasm32 (see build.sh). */
#ifndef HOTPAIR_H
#define HOTPAIR_H

#include <stdint.h>

#define HOTPAIR_INTERFACE_VERSION 1

/* How far a value can be trusted. */
enum hotpair_quality { HOTPAIR_GOOD = 0, HOTPAIR_UNCERTAIN = 1, HOTPAIR_BAD = 2 };

#define HOTPAIR_IMPORT_(name) \
  __attribute__((import_module("hotpair_v1"), import_name(#name))) extern

/* An input: `false` or 0 when it has no value, and its quality is bad then. The type is the port's,
 * or the scan is stopped. The same value all through a scan. */
HOTPAIR_IMPORT_(read_bool) int32_t hotpair_read_bool(int32_t port);
HOTPAIR_IMPORT_(read_int) int64_t hotpair_read_int(int32_t port);
HOTPAIR_IMPORT_(read_float) double hotpair_read_float(int32_t port);
HOTPAIR_IMPORT_(quality) int32_t hotpair_quality(int32_t port);

/* An output: the last value of a scan counts, at its end. One that is not written keeps its value.
 * A float must be finite. */
HOTPAIR_IMPORT_(write_bool) void hotpair_write_bool(int32_t port, int32_t value);
HOTPAIR_IMPORT_(write_int) void hotpair_write_int(int32_t port, int64_t value);
HOTPAIR_IMPORT_(write_float) void hotpair_write_float(int32_t port, double value);
/* Of a value that was written in this scan; good without it. */
HOTPAIR_IMPORT_(write_quality) void hotpair_write_quality(int32_t port, int32_t quality);

/* How many scans there were before this one, on either node: 0 in the first one. */
HOTPAIR_IMPORT_(scan_number) int64_t hotpair_scan_number(void);
/* Microseconds since the last scan began; 0 in the first one. */
HOTPAIR_IMPORT_(elapsed_us) int64_t hotpair_elapsed_us(void);
/* Milliseconds since 1970 on the node's wall clock when this scan began. For people: it jumps. */
HOTPAIR_IMPORT_(time_ms) int64_t hotpair_time_ms(void);

/* A line for the node's log: UTF-8, at most 256 bytes of it, at most 16 lines a scan. */
HOTPAIR_IMPORT_(log) void hotpair_log(const char *text, uint32_t bytes);
/* Gives up, with a reason for people: nothing of this scan counts, and the object is in fault. */
HOTPAIR_IMPORT_(fail) _Noreturn void hotpair_fail(const char *text, uint32_t bytes);

#define HOTPAIR_LOG(literal) hotpair_log(literal, sizeof(literal) - 1)
#define HOTPAIR_FAIL(literal) hotpair_fail(literal, sizeof(literal) - 1)

/* The ports, in order: `in` or `out`, the number as it is called here, the name as an object's
 * declaration has it, the type (bool, int or float).
 *
 *   #define PORTS(in, out) in(LEVEL, "level", float) out(VALVE, "valve", float)
 *   HOTPAIR_PORTS(PORTS);
 *
 * makes the numbers LEVEL and VALVE, and the section that tells the node. */
#define HOTPAIR_PORTS(LIST)                                         \
  enum { LIST(HOTPAIR_NUMBER_, HOTPAIR_NUMBER_) HOTPAIR_PORTS_ };   \
  __asm__(".section .custom_section.hotpair_v1_ports,\"\",@\n"      \
          LIST(HOTPAIR_IN_, HOTPAIR_OUT_) ".text\n")
#define HOTPAIR_NUMBER_(number, name, type) number,
#define HOTPAIR_IN_(number, name, type) ".ascii \"in " name " " #type "\\n\"\n"
#define HOTPAIR_OUT_(number, name, type) ".ascii \"out " name " " #type "\\n\"\n"

/* The scan: HOTPAIR_SCAN { ... }. Everything static is kept from one scan to the next, and goes on
 * at the partner. */
#define HOTPAIR_SCAN __attribute__((export_name("hotpair_v1_scan"))) void hotpair_scan_(void)

#endif
