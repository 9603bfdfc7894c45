#pragma once

#include <string>
#include <string_view>

#include "event/position.h"

namespace millrace::land {

/// The name under which positions of a scope stand in snapshot summaries and in the table's properties. Frozen.
std::string PositionsProperty(const std::string& scope);

/// Positions as canonical JSON, {"<split>":"<cursor>"} in byte order of splits, so that equal positions are equal text.
/// Persisted; frozen. Parse is Print's inverse and throws Error kStop for anything else; `where` says whence it came.
std::string PrintPositions(const event::Positions& positions);
event::Positions ParsePositions(std::string_view text, std::string_view where);

}  // namespace millrace::land
