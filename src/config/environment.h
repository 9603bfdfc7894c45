#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/node.h"
#include "config/problems.h"

namespace millrace::config {

/// The variables that `${NAME}` and `secret: env:NAME` see: the process's own, then those of `.env` files.
class Environment {
 public:
  /// Only what is given; for tests.
  explicit Environment(std::map<std::string, std::string> variables) : own_(std::move(variables)) {}
  static Environment OfProcess();

  /// Reads `NAME=value` lines ('#' starts a comment line, `export` is allowed, quotes are taken off). Nothing when
  /// there is no such file. What the process has already wins.
  void ReadFile(const std::string& path, Problems& problems);
  std::optional<std::string> Get(const std::string& name) const;
  /// As if the process had it.
  void Set(const std::string& name, std::string value) { own_[name] = std::move(value); }

 private:
  std::map<std::string, std::string> own_;
  std::map<std::string, std::string> from_files_;
};

/// Replaces `${NAME}` and `${NAME:-default}` in every value (keys are left alone); `$${` stands for a literal `${`.
/// A variable that is not set and has no default is a problem at its place.
void Interpolate(Node& node, const Environment& environment, Problems& problems);

}  // namespace millrace::config
