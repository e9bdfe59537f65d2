/* Holds the level of a tank: a PID controller, with limits, without windup and without a bump when
 * it is switched between manual and automatic. */
#include "hotpair.h"

#define PORTS(in, out)              \
  in(LEVEL, "level", float)         \
  in(SETPOINT, "setpoint", float)   \
  in(GAIN, "gain", float)           \
  in(RESET_S, "reset_s", float)     \
  in(RATE_S, "rate_s", float)       \
  in(AUTOMATIC, "automatic", bool)  \
  in(MANUAL, "manual", float)       \
  out(VALVE, "valve", float)        \
  out(DEVIATION, "deviation", float)
HOTPAIR_PORTS(PORTS);

/* The valve, in per cent. */
static const double valve_min = 0.0, valve_max = 100.0;

static double integral; /* in per cent of the valve */
static double last_level, last_valve;
static int32_t level_is_known;

static double within(double value, double min, double max) {
  return value < min ? min : value > max ? max : value;
}

static double automatic(double level, double deviation, double seconds) {
  double gain = hotpair_read_float(GAIN);
  double reset = hotpair_read_float(RESET_S), rate = hotpair_read_float(RATE_S);
  double proportional = gain * deviation;
  /* The rate acts on the level alone: a new setpoint is no kick. */
  double slope = level_is_known && seconds > 0 ? (level - last_level) / seconds : 0;
  double derivative = -gain * rate * slope;
  double step = reset > 0 ? proportional * seconds / reset : 0;
  double wanted = proportional + integral + step + derivative;
  double valve = within(wanted, valve_min, valve_max);
  /* At a limit the integral goes on only if that leads away from it. */
  if (wanted == valve || (wanted > valve) != (step > 0)) integral += step;
  integral = within(integral, valve_min - valve_max, valve_max);
  return valve;
}

HOTPAIR_SCAN {
  double seconds = (double)hotpair_elapsed_us() / 1e6;
  double level = hotpair_read_float(LEVEL);
  double deviation = hotpair_read_float(SETPOINT) - level;
  if (hotpair_quality(LEVEL) == HOTPAIR_BAD) {
    /* Blind: the valve stays where it is, and says so. */
    hotpair_write_float(VALVE, last_valve);
    hotpair_write_quality(VALVE, HOTPAIR_UNCERTAIN);
    level_is_known = 0;
    return;
  }
  if (hotpair_read_bool(AUTOMATIC)) {
    last_valve = automatic(level, deviation, seconds);
  } else {
    last_valve = within(hotpair_read_float(MANUAL), valve_min, valve_max);
    /* So that automatic begins where a person stopped. */
    integral = last_valve - hotpair_read_float(GAIN) * deviation;
  }
  last_level = level;
  level_is_known = 1;
  hotpair_write_float(VALVE, last_valve);
  hotpair_write_float(DEVIATION, deviation);
}
