#pragma once

#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

namespace millrace::app {

/// The terminal of standard input and output as one page that is drawn again and again. While it lives, keys come as
/// they are pressed and the page that was there before is kept; then all is as it was. Its thread is the only one that
/// writes to standard output.
class TerminalScreen {
 public:
  /// Both are a terminal, and one that can be drawn on.
  static bool IsThere();
  /// Colours are wanted there: NO_COLOR is not set (no-color.org).
  static bool WantsColours();

  TerminalScreen();
  ~TerminalScreen();
  TerminalScreen(const TerminalScreen&) = delete;
  TerminalScreen& operator=(const TerminalScreen&) = delete;

  struct Size {
    int width = 80;
    int height = 24;
    bool operator==(const Size&) const = default;
  };
  Size size() const;

  void Draw(const std::vector<std::string>& lines);

  enum class Key { kNone, kEnd, kUp, kDown, kPageUp, kPageDown, kCharacter };
  struct Pressed {
    Key key = Key::kNone;
    char character = 0;  // of kCharacter
  };
  /// The next key, waited for so long. Ctrl-C, the end of the input and SIGTERM are kEnd.
  Pressed WaitForKey(std::chrono::milliseconds patience);

 private:
  Pressed TakeKey();

  termios before_{};
  std::string typed_;
};

}  // namespace millrace::app
