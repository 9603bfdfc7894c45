#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace millrace::land {

/// Underscores to put in front of a member's name, whose text begins at `at`.
struct NameChange {
  size_t at = 0;
  size_t underscores = 0;
  friend bool operator==(const NameChange&, const NameChange&) = default;
};

/// What has to change in the names of a JSON object so that none of its own members (not of objects inside it) is
/// called like one of ours: _topic, _partition, _offset, _event_time, _ingested_at, _key, _key_base64, _value, in any
/// case of letters and however escaped. Such a name gets one more underscore, more when the object has that name too.
/// `also` is one more such name. In rising order; `object` is a whole document known to be valid.
std::vector<NameChange> ReservedNameChanges(std::string_view object, std::string_view also = {});

}  // namespace millrace::land
