#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

/// Other implementations as judges: a Python script beside this file, run with the pinned packages.
namespace millrace::judge {

/// A new folder that goes away with the object.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string Slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void Spill(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Runs tests/judge/<script> with arguments (plain words) and returns what it printed; a failing script fails the test
/// with its words.
inline std::string Python(const std::string& script, const std::string& arguments = {}) {
  const Folder folder;
  const std::string out = folder.File("out");
  const std::string err = folder.File("err");
  const std::string command = std::string(MILLRACE_DEPS_DIR) + "/venv/bin/python -W ignore " + MILLRACE_SOURCE_DIR +
                              "/tests/judge/" + script + " " + arguments + " >" + out + " 2>" + err;
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << script << " " << arguments << "\n" << Slurp(out) << Slurp(err);
  return Slurp(out);
}

}  // namespace millrace::judge
