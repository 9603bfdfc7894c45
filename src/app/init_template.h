#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::app {

/// Where events come from and where they go, in the words of `millrace init`.
struct InitWord {
  std::string_view word;
  std::string_view says;  // to whoever has to choose
};
const std::vector<InitWord>& InitSources();
const std::vector<InitWord>& InitTargets();

struct InitChoice {
  std::string name;  // of the pipeline
  std::string from;
  std::string to;
};

struct InitFile {
  std::string path;  // below the folder of the pipeline
  std::string text;
};

/// The files of a new pipeline. Error kUsage for a word that is none.
std::vector<InitFile> InitFiles(const InitChoice& choice);

/// What to do next, a command a line.
std::string InitNextSteps(const InitChoice& choice);

}  // namespace millrace::app
