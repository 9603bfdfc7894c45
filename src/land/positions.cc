#include "land/positions.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::land {

using nlohmann::json;

std::string PositionsProperty(const std::string& scope) { return "millrace.positions." + scope; }

std::string PrintPositions(const event::Positions& positions) {
  json object = json::object();
  for (const auto& [split, cursor] : positions) object[split.value()] = cursor.value();
  return object.dump();
}

event::Positions ParsePositions(std::string_view text, std::string_view where) {
  const json object = json::parse(text, nullptr, false);
  event::Positions positions;
  bool sound = object.is_object();
  for (auto member = object.begin(); sound && member != object.end(); ++member) {
    sound = member->is_string();
    if (sound) positions[event::SplitId(member.key())] = event::Cursor(member->get<std::string>());
  }
  if (!sound) {
    throw Error(ErrorCode::kStop,
                "the positions in " + std::string(where) +
                    " cannot be read, so it is not known what has landed; set them with `millrace offsets set`");
  }
  return positions;
}

}  // namespace millrace::land
