#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

/// What becomes of a property, and the sentence about it.
struct Fate {
  Use use = Use::kHonoured;
  std::string text;
};
inline Fate Honoured(std::string as) { return {Use::kHonoured, std::move(as)}; }
inline Fate NoMeaning(std::string why) { return {Use::kNoMeaning, std::move(why)}; }
inline Fate Refused(std::string instead) { return {Use::kRefused, std::move(instead)}; }

/// How Connect's own forms show a property. None: its name, without a width.
struct Shown {
  std::string width = "NONE";
  std::string display_name = {};
};

/// Makes a list of properties, numbered within their groups as Connect numbers them. A name that is there already is
/// declared anew in its place.
class Declarations {
 public:
  explicit Declarations(std::vector<Property> base = {}) : properties_(std::move(base)) {}

  /// Of those that follow; empty: none.
  Declarations& Group(std::string name);
  Declarations& Add(std::string name, PropertyType type, std::optional<std::string> default_value,
                    Importance importance, Shown shown, Fate fate, std::string documentation);

  /// Of the one before.
  Declarations& Required();
  Declarations& AtLeast(int64_t min);
  Declarations& Between(int64_t min, int64_t max);
  Declarations& OneOf(std::vector<std::string> choices);
  Declarations& OneOfAnyCase(std::vector<std::string> choices);
  Declarations& Enumerator(std::vector<std::string> choices);
  Declarations& Hidden();
  Declarations& Allowing(std::vector<std::string> values);
  Declarations& NonEmpty();
  Declarations& Order(int order);
  Declarations& Dependents(std::vector<std::string> names);

  std::vector<Property> Take() && { return std::move(properties_); }

 private:
  Property& Last() { return properties_[last_]; }

  std::vector<Property> properties_;
  size_t last_ = 0;
  std::string group_;
  std::map<std::string, int> numbers_;
};

/// Null when there is none.
const Property* FindProperty(const std::vector<Property>& properties, std::string_view name);

}  // namespace millrace::connect
