#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/source.h"

namespace millrace::app {

/// A partition of which there is something to land, and when that began, or something of it landed last.
struct Standing {
  int32_t partition = 0;  // kWhole: a source without partitions
  SteadyTime since{};
  int64_t unread = 0;    // records that are there and were not read; -1: not known
  bool pending = false;  // records were read and have not landed
};

/// Which partitions of a table's feed stand still. Knows no lock: its owner has one.
class Standstill {
 public:
  static constexpr int32_t kWhole = -1;

  void Read(int32_t partition, SteadyTime now);
  /// What was read has landed, or is forgotten.
  void Landed(SteadyTime now);
  /// The reader says what there is.
  void Look(const event::Lag& lag, SteadyTime now);

  /// Those with something to land, by number.
  std::vector<Standing> standing() const;

 private:
  std::map<int32_t, Standing> partitions_;
};

/// From when on a table's partition that does not move is an anomaly: ten times its freshness, and some seconds.
std::chrono::milliseconds StandstillLimit(std::chrono::milliseconds freshness);

/// Those of `standing` that have not moved for the limit.
std::vector<Standing> StandingStill(const std::vector<Standing>& standing, std::chrono::milliseconds freshness,
                                    SteadyTime now);

/// "partition 3 stands still for 2 min: 120 records are there and none comes (...)"; of `still`, which is not empty.
std::string ExplainStandstill(const std::vector<Standing>& still, SteadyTime now);

}  // namespace millrace::app
