#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "event/position.h"
#include "land/quarantined.h"

namespace millrace::land {

/// What one chunk of a quarantine replay makes of the records it takes, durable before its rows are committed. Version
/// 1, frozen, a JSON object under <location of the quarantine table>/replays/<chunk>.json:
///   {"version":1,"chunk":..,"after":..,"landed":{"<scope>":{"<split>":[offset,..]}},
///    "failed":{"<scope>":{"<split>":[[offset,cause,detail],..]}}}
struct ReplayNote {
  struct Failure {
    std::string cause;
    std::string detail;
    friend bool operator==(const Failure&, const Failure&) = default;
  };

  std::string chunk;    // what the target's position becomes with its commit
  event::Cursor after;  // what it was before
  std::set<QuarantinedPlace> landed;
  std::map<QuarantinedPlace, Failure> failed;

  friend bool operator==(const ReplayNote&, const ReplayNote&) = default;
};

std::string PrintReplayNote(const ReplayNote& note);
/// Error kStop, which names `where`, when it is no note of this version.
ReplayNote ParseReplayNote(std::string_view text, const std::string& where);

}  // namespace millrace::land
