#include "connect/declarations.h"

#include <algorithm>
#include <utility>

namespace millrace::connect {

Declarations& Declarations::Group(std::string name) {
  group_ = std::move(name);
  return *this;
}

Declarations& Declarations::Add(std::string name, PropertyType type, std::optional<std::string> default_value,
                                Importance importance, Shown shown, Fate fate, std::string documentation) {
  Property property;
  property.display_name = shown.display_name.empty() ? name : std::move(shown.display_name);
  property.name = std::move(name);
  property.type = type;
  property.default_value = std::move(default_value);
  property.importance = importance;
  property.documentation = std::move(documentation);
  property.group = group_;
  property.order_in_group = group_.empty() ? -1 : ++numbers_[group_];
  property.width = std::move(shown.width);
  property.use = fate.use;
  property.use_text = std::move(fate.text);
  const auto there = std::ranges::find(properties_, property.name, &Property::name);
  last_ = static_cast<size_t>(there - properties_.begin());
  if (there == properties_.end()) {
    properties_.push_back(std::move(property));
  } else {
    *there = std::move(property);
  }
  return *this;
}

Declarations& Declarations::Required() {
  Last().required = true;
  return *this;
}

Declarations& Declarations::AtLeast(int64_t min) {
  Last().min = min;
  return *this;
}

Declarations& Declarations::Between(int64_t min, int64_t max) {
  Last().min = min;
  Last().max = max;
  return *this;
}

Declarations& Declarations::OneOf(std::vector<std::string> choices) {
  Last().choices = std::move(choices);
  return *this;
}

Declarations& Declarations::OneOfAnyCase(std::vector<std::string> choices) {
  Last().any_case = true;
  return OneOf(std::move(choices));
}

Declarations& Declarations::Enumerator(std::vector<std::string> choices) {
  Last().enumerator = true;
  return OneOfAnyCase(std::move(choices));
}

Declarations& Declarations::Hidden() {
  Last().hidden = true;
  return *this;
}

Declarations& Declarations::Allowing(std::vector<std::string> values) {
  Last().allowed = std::move(values);
  return *this;
}

Declarations& Declarations::NonEmpty() {
  Last().non_empty = true;
  return *this;
}

Declarations& Declarations::Order(int order) {
  Last().order_in_group = order;
  return *this;
}

Declarations& Declarations::Dependents(std::vector<std::string> names) {
  Last().dependents = std::move(names);
  return *this;
}

const Property* FindProperty(const std::vector<Property>& properties, std::string_view name) {
  const auto found = std::ranges::find(properties, name, &Property::name);
  return found == properties.end() ? nullptr : &*found;
}

}  // namespace millrace::connect
