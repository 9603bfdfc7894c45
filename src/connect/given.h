#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

/// A connector's properties over the defaults of its class. Borrows both.
class Given {
 public:
  Given(const Properties& properties, const std::vector<Property>& declared)
      : properties_(properties), declared_(declared) {}

  /// Whether it was given at all.
  bool Has(std::string_view name) const;
  /// Trimmed; the default where nothing was given; empty where there is none.
  std::string Text(std::string_view name) const;
  /// Of a password too.
  std::string Raw(std::string_view name) const;
  bool Flag(std::string_view name) const { return Text(name) == "true"; }
  /// 0 where it cannot be read.
  int64_t Number(std::string_view name) const;
  std::vector<std::string> List(std::string_view name) const;
  /// The simple name of a class.
  std::string Class(std::string_view name) const;
  /// Those that begin so: the rest of the name to the value.
  std::map<std::string, std::string> Below(std::string_view prefix) const;

  const Properties& properties() const { return properties_; }

 private:
  const Properties& properties_;
  const std::vector<Property>& declared_;
};

/// Mistakes found in a connector's properties, by name.
class Findings {
 public:
  void Add(const std::string& property, std::string message) { found_[property].push_back(std::move(message)); }
  const std::map<std::string, std::vector<std::string>>& found() const { return found_; }

 private:
  std::map<std::string, std::vector<std::string>> found_;
};

}  // namespace millrace::connect
