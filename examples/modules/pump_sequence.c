/* Starts and stops a pump in the right order (valve, then pump), with interlocks: it does not run
 * dry, hot or against a closed valve, and what tripped is remembered until a person resets it. */
#include "hotpair.h"

#define PORTS(in, out)                    \
  in(START, "start", bool)                \
  in(RESET, "reset", bool)                \
  in(SUCTION_OK, "suction_ok", bool)      \
  in(VALVE_OPEN, "valve_open", bool)      \
  in(TEMPERATURE, "temperature", float)   \
  in(TEMPERATURE_MAX, "temperature_max", float) \
  in(PATIENCE_S, "patience_s", float)     \
  out(OPEN_VALVE, "open_valve", bool)     \
  out(RUN, "run", bool)                   \
  out(STEP, "step", int)                  \
  out(TRIP, "trip", int)                  \
  out(STARTS, "starts", int)
HOTPAIR_PORTS(PORTS);

enum step { STOPPED = 0, OPENING = 1, RUNNING = 2, STOPPING = 3, TRIPPED = 4 };
enum trip { NONE = 0, NO_SUCTION = 1, VALVE_STUCK = 2, TOO_HOT = 3, NO_MEASUREMENT = 4 };

static enum step step;
static enum trip trip;
static int64_t in_step_us, starts;

static void go(enum step to) {
  step = to;
  in_step_us = 0;
}

/* What forbids to run, now. */
static enum trip interlock(void) {
  if (hotpair_quality(SUCTION_OK) == HOTPAIR_BAD || hotpair_quality(TEMPERATURE) == HOTPAIR_BAD)
    return NO_MEASUREMENT;
  if (!hotpair_read_bool(SUCTION_OK)) return NO_SUCTION;
  if (hotpair_read_float(TEMPERATURE) > hotpair_read_float(TEMPERATURE_MAX)) return TOO_HOT;
  return NONE;
}

static void tripped_by(enum trip reason) {
  trip = reason;
  go(TRIPPED);
  HOTPAIR_LOG("the pump tripped");
}

HOTPAIR_SCAN {
  int32_t wanted = hotpair_read_bool(START), open = hotpair_read_bool(VALVE_OPEN);
  int64_t patience_us = (int64_t)(hotpair_read_float(PATIENCE_S) * 1e6);
  in_step_us += hotpair_elapsed_us();
  enum trip forbidden = interlock();
  switch (step) {
    case STOPPED:
      if (wanted && forbidden == NONE) go(OPENING);
      break;
    case OPENING:
      if (forbidden != NONE) tripped_by(forbidden);
      else if (!wanted) go(STOPPING);
      else if (open) { starts += 1; go(RUNNING); }
      else if (in_step_us > patience_us) tripped_by(VALVE_STUCK);
      break;
    case RUNNING:
      if (forbidden != NONE) tripped_by(forbidden);
      else if (!open) tripped_by(VALVE_STUCK);
      else if (!wanted) go(STOPPING);
      break;
    case STOPPING: /* The pump stands; the valve closes a moment later. */
      if (in_step_us > patience_us || !open) go(STOPPED);
      break;
    case TRIPPED: /* Not by itself: whoever wants it to start takes START away and resets. */
      if (hotpair_read_bool(RESET) && !wanted && forbidden == NONE) { trip = NONE; go(STOPPED); }
      break;
  }
  hotpair_write_bool(OPEN_VALVE, step == OPENING || step == RUNNING);
  hotpair_write_bool(RUN, step == RUNNING);
  hotpair_write_int(STEP, step);
  hotpair_write_int(TRIP, trip);
  hotpair_write_int(STARTS, starts);
}
