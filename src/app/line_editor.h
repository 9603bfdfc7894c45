#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::app {

/// Lines typed on a terminal, with editing, a history in a file and completion, by libedit. One at a time in a process.
/// Ctrl-C is a key while a line is edited: as a signal it would take what was typed out of the terminal's queue, also
/// from under a read that was promised a byte. SIGINT must be blocked in every thread; one that came before is let in
/// while a key is waited for.
class LineEditor {
 public:
  /// Words that may stand where `word`, its last word, begins in `line`, the text before the cursor.
  using Complete = std::function<std::vector<std::string>(std::string_view line, std::string_view word)>;

  /// The history's file, and its folder, are made for this user alone; an empty path: it is not kept.
  LineEditor(std::filesystem::path history, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Outcome { kLine, kInterrupted, kEnd };
  /// One line, without its end. kInterrupted: a signal came.
  Outcome Read(const std::string& prompt, std::string& line);
  /// Puts it at the end of the history.
  void Remember(const std::string& text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::app
