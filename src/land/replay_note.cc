#include "land/replay_note.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::land {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

template <typename Entries, typename ToJson>
json ByPlace(const Entries& entries, ToJson&& to_json) {
  json stored = json::object();
  for (const auto& entry : entries) {
    const auto& [place, value] = to_json(entry);
    stored[place.scope][place.split.value()].push_back(value);
  }
  return stored;
}

template <typename Visit>
void ForEachPlace(const json& stored, Visit&& visit) {
  for (const auto& [scope, splits] : stored.items()) {
    for (const auto& [split, values] : splits.items()) {
      for (const auto& value : values) visit(scope, event::SplitId(split), value);
    }
  }
}

}  // namespace

std::string PrintReplayNote(const ReplayNote& note) {
  const json stored{
      {"version", kVersion},
      {"chunk", note.chunk},
      {"after", note.after.value()},
      {"landed", ByPlace(note.landed, [](const auto& place) { return std::pair(place, json(place.offset)); })},
      {"failed", ByPlace(note.failed, [](const auto& entry) {
         return std::pair(entry.first, json::array({entry.first.offset, entry.second.cause, entry.second.detail}));
       })}};
  return stored.dump(-1, ' ', false, json::error_handler_t::replace);
}

ReplayNote ParseReplayNote(std::string_view text, const std::string& where) {
  try {
    const json stored = json::parse(text);
    if (stored.at("version").get<int>() != kVersion) {
      throw Error(ErrorCode::kStop, where + " is of a newer version of millrace; finish the replay with that one");
    }
    ReplayNote note{.chunk = stored.at("chunk").get<std::string>(),
                    .after = event::Cursor(stored.at("after").get<std::string>()),
                    .landed = {},
                    .failed = {}};
    ForEachPlace(stored.at("landed"), [&](const std::string& scope, event::SplitId split, const json& value) {
      note.landed.insert({scope, std::move(split), value.get<int64_t>()});
    });
    ForEachPlace(stored.at("failed"), [&](const std::string& scope, event::SplitId split, const json& value) {
      note.failed[{scope, std::move(split), value.at(0).get<int64_t>()}] = {value.at(1).get<std::string>(),
                                                                            value.at(2).get<std::string>()};
    });
    return note;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kStop, where + " cannot be read (" + error.what() +
                                      "): it says which records of the quarantine have become rows; restore it from a "
                                      "copy");
  }
}

}  // namespace millrace::land
