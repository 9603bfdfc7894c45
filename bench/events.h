#pragma once

#include <cstddef>
#include <string>

namespace millrace::bench {

struct EventsOptions {
  size_t count = 1'000'000;
  /// From here on each event has one more member, `campaign`, and some `qty` are over 32 bits.
  size_t drift_from = SIZE_MAX;
  /// Members in another order in every event.
  bool shuffled = false;
};

/// Newline-joined JSON events of a web shop: 13 members, one an object of three, 359 bytes on average; the same ones
/// every time. 64 readable bytes follow the end.
std::string MakeEvents(const EventsOptions& options);

}  // namespace millrace::bench
