#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::source {

// Documents as they stand in a PaddedBuffer that was looked at to its last byte (FindJsonFault): parts of them are
// views into it.

using JsonMembers = std::vector<std::pair<std::string, std::string_view>>;

/// In order; nullopt: it is no object.
std::optional<JsonMembers> MembersOf(std::string_view object);
/// nullopt: it is no array, or has more than `count_max`.
std::optional<std::vector<std::string_view>> ElementsOf(std::string_view array, size_t count_max);
/// nullopt: it is no string.
std::optional<std::string> TextOf(std::string_view value);
/// nullopt: it is no whole number of 32 bits.
std::optional<int32_t> Int32Of(std::string_view value);

/// Objects that stand one after the other in a text.
struct CutObjects {
  struct Place {
    size_t begin = 0;
    size_t size = 0;
  };
  std::vector<Place> objects;
  size_t end = 0;       // of the last one
  std::string strange;  // why nothing can be said of what follows; empty: a part of an object, or nothing
};

/// Takes concatenated objects apart, as they come: with white space and line breaks between them, or none. What is cut
/// out is braces that match; whether it is JSON is not looked at.
class ObjectSplitter {
 public:
  /// Those that are whole, `count_max` at the most. The next text begins where they ended, with what is left of this
  /// one: that is not looked at again.
  CutObjects Cut(std::string_view text, size_t count_max);

 private:
  bool Step(char c);

  size_t at_ = 0;  // looked at so far
  size_t begin_ = 0;
  int depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

}  // namespace millrace::source
