#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace millrace::refine {

/// Reads values of YAML that is, or stands in, a file of a pipeline's author. What is wrong is an Error kConfig with
/// file:line.
class YamlReader {
 public:
  /// `first_line`: of the file, where the YAML begins.
  YamlReader(std::filesystem::path file, int first_line) : file_(std::move(file)), first_line_(first_line) {}

  const std::filesystem::path& file() const { return file_; }
  int first_line() const { return first_line_; }
  int LineOf(const YAML::Node& node) const;

  [[noreturn]] void Fail(int line, const std::string& what) const;
  [[noreturn]] void Fail(const YAML::Node& node, const std::string& what) const { Fail(LineOf(node), what); }

  std::string Text(const YAML::Node& node) const;
  /// Which of the words it is.
  size_t OneOf(const YAML::Node& node, const std::vector<std::string>& known) const;
  int64_t Count(const YAML::Node& node) const;
  /// The members of a mapping, each known; of any names when none is given.
  std::map<std::string, YAML::Node> Members(const YAML::Node& node, const std::vector<std::string>& known) const;

 private:
  const std::filesystem::path file_;
  const int first_line_;
};

/// "; did you mean 'x'?", or nothing.
std::string DidYouMean(const std::string& text, const std::vector<std::string>& known);

}  // namespace millrace::refine
