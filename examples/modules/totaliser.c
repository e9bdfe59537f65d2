/* Counts pulses of a meter that wraps around, and adds them up to a quantity; also the quantity of
 * each period, for example of a shift. Nothing is lost or counted twice over a takeover. */
#include "hotpair.h"

#define PORTS(in, out)                     \
  in(PULSES, "pulses", int)                \
  in(WRAPS_AT, "wraps_at", int)            \
  in(PER_PULSE, "per_pulse", float)        \
  in(NEXT_PERIOD, "next_period", bool)     \
  out(TOTAL, "total", float)               \
  out(COUNT, "count", int)                 \
  out(PERIOD, "period", float)             \
  out(LAST_PERIOD, "last_period", float)   \
  out(FLOW_PER_S, "flow_per_s", float)
HOTPAIR_PORTS(PORTS);

static int64_t count, last_pulses, at_period;
static double last_period;
static int32_t is_known, next_was;

HOTPAIR_SCAN {
  int64_t pulses = hotpair_read_int(PULSES), wraps_at = hotpair_read_int(WRAPS_AT);
  double per_pulse = hotpair_read_float(PER_PULSE);
  int64_t fresh = 0;
  if (wraps_at <= 0) HOTPAIR_FAIL("wraps_at must be above 0: the meter's number of counts");
  if (hotpair_quality(PULSES) != HOTPAIR_BAD) {
    if (pulses < 0 || pulses >= wraps_at) HOTPAIR_FAIL("pulses must be from 0 to below wraps_at");
    /* What came while nobody could read is counted when it can be read again. */
    if (is_known) fresh = pulses >= last_pulses ? pulses - last_pulses : pulses - last_pulses + wraps_at;
    last_pulses = pulses;
    is_known = 1;
  }
  count += fresh;
  int32_t next = hotpair_read_bool(NEXT_PERIOD);
  if (next && !next_was) {
    last_period = (double)(count - at_period) * per_pulse;
    at_period = count;
  }
  next_was = next;
  int64_t elapsed_us = hotpair_elapsed_us();
  hotpair_write_int(COUNT, count);
  hotpair_write_float(TOTAL, (double)count * per_pulse);
  hotpair_write_float(PERIOD, (double)(count - at_period) * per_pulse);
  hotpair_write_float(LAST_PERIOD, last_period);
  hotpair_write_float(FLOW_PER_S, elapsed_us > 0 ? (double)fresh * per_pulse * 1e6 / (double)elapsed_us : 0);
  if (!is_known || hotpair_quality(PULSES) == HOTPAIR_BAD) {
    hotpair_write_quality(TOTAL, HOTPAIR_UNCERTAIN);
    hotpair_write_quality(FLOW_PER_S, HOTPAIR_BAD);
  }
}
