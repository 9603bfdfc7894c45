#pragma once

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace millrace::testing {

/// A folder that goes with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "millrace-land-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", std::error_code());
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct Verdict {
  int status = -1;
  std::string said;
};

/// Runs a script of tests/land with the Python of .deps; what it prints is in `said`.
inline Verdict Judge(const std::string& script, const std::vector<std::string>& arguments) {
  std::string command =
      std::string(MILLRACE_DEPS_DIR) + "/venv/bin/python " + MILLRACE_SOURCE_DIR + "/tests/land/" + script;
  for (const auto& argument : arguments) command += " '" + argument + "'";
  command += " 2>&1";
  Verdict verdict;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return verdict;
  char buffer[4096];
  while (const size_t read = ::fread(buffer, 1, sizeof(buffer), pipe)) verdict.said.append(buffer, read);
  verdict.status = ::pclose(pipe);
  return verdict;
}

}  // namespace millrace::testing
