#pragma once

#include "app/config_model.h"
#include "config/block.h"
#include "source/http_ingest/http_intake.h"

namespace millrace::app {

/// Declares the limits of what takes events over HTTP.
template <typename Config>
config::Block<Config>& AddIntakeLimits(config::Block<Config>& block) {
  using config::ByteSize;
  return block
      .Add(static_cast<ByteSize Config::*>(&IntakeLimitsConfig::body_size_max),
           {.name = "body_size_max",
            .doc = "Of one request, as sent and as unpacked.",
            .fallback = ByteSize{int64_t{16} << 20},
            .min = ByteSize{int64_t{1} << 10},
            .max = ByteSize{int64_t{128} << 20}})
      .Add(static_cast<int64_t Config::*>(&IntakeLimitsConfig::records_max),
           {.name = "records_max", .doc = "Events of one request.", .fallback = 100'000, .min = 1, .max = 1'000'000})
      .Add(
          static_cast<int64_t Config::*>(&IntakeLimitsConfig::expansion_max),
          {.name = "expansion_max",
           .doc = "A gzip or zstd body that unpacks to more than this many times its size, and a mebibyte, is refused.",
           .fallback = 200,
           .min = 1,
           .max = 10'000})
      .Add(static_cast<int64_t Config::*>(&IntakeLimitsConfig::in_flight_max),
           {.name = "in_flight_max",
            .doc = "Requests of one route that wait for the stream at a time; each has a thread.",
            .fallback = 256,
            .min = 1,
            .max = 4096});
}

inline source::IntakeLimits LimitsFor(const IntakeLimitsConfig& config) {
  return {.body_bytes_max = config.body_size_max.bytes,
          .records_max = config.records_max,
          .expansion_max = static_cast<double>(config.expansion_max),
          .in_flight_max = static_cast<int>(config.in_flight_max)};
}

}  // namespace millrace::app
