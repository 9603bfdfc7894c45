#pragma once

#include <string>
#include <vector>

#include "connect/given.h"
#include "connect/plugin.h"

namespace millrace::connect {

/// A plugin whose properties are declarations: what is wrong with each by itself is found here, classes below find what
/// is wrong with them together and write the translation.
class DeclaredPlugin : public Plugin {
 public:
  struct Kind {
    std::string type;
    std::vector<std::string> classes;
    std::string version;
    std::vector<Property> properties;
    std::vector<Property> families;
  };
  explicit DeclaredPlugin(Kind kind) : kind_(std::move(kind)) {}

  std::string type() const final { return kind_.type; }
  std::vector<std::string> classes() const final { return kind_.classes; }
  std::string version() const final { return kind_.version; }
  const std::vector<Property>& properties() const final { return kind_.properties; }
  const std::vector<Property>& families() const final { return kind_.families; }
  Validation Validate(const Properties& given) const final;
  Translation Translate(const std::string& connector_name, const Properties& given) const final;

 private:
  /// What is wrong with properties that are right each by itself, and what of them is not honoured.
  virtual void CheckTogether(const Given& given, Findings& findings) const = 0;
  /// Of properties without a mistake.
  virtual Translation Written(const std::string& connector_name, const Given& given) const = 0;

  const Kind kind_;
};

/// The family that a property is of; null when there is none.
const Property* FindFamily(const std::vector<Property>& families, std::string_view name);

}  // namespace millrace::connect
