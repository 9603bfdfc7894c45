#pragma once

#include <filesystem>
#include <string>

#include "io/outage_patience.h"

/// What checks make to try something, and how it goes away again.
namespace millrace::app {

/// A word that nothing else is named by: "3f0c9a7e51d2".
std::string ScratchWord();

/// The folder, or else the nearest above it that exists. What is to be made there can be tried in it.
std::filesystem::path NearestFolder(const std::filesystem::path& path);

/// A hidden folder of its own in another one, removed with all that is in it when it goes.
class ScratchFolder {
 public:
  /// Error kStop, with the mend, when none can be made there.
  explicit ScratchFolder(const std::filesystem::path& in);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// While one lives, requests of this thread go through although it is to stop: for taking away what was made.
class CleaningUp {
 public:
  CleaningUp() : unstopped_({}, {}) {}

 private:
  const io::OutagePatience unstopped_;
};

}  // namespace millrace::app
