#include "app/terminal_screen.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace millrace::app {
namespace {

volatile std::sig_atomic_t ended_by_signal = 0;
void NoteSignal(int) { ended_by_signal = 1; }

// xterm's: another page with the cursor hidden, and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

void Write(std::string_view text) {
  while (!text.empty()) {
    const auto written = write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // the terminal is gone; the next key says so
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

constexpr char kCtrlC = 3;
constexpr char kCtrlD = 4;
constexpr char kEscape = '\x1b';

}  // namespace

bool TerminalScreen::IsThere() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

bool TerminalScreen::WantsColours() {
  const char* no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

TerminalScreen::TerminalScreen() {
  std::fflush(stdout);
  tcgetattr(STDIN_FILENO, &before_);
  auto raw = before_;
  // Without ISIG too: a process that stops in here would leave the terminal as it is.
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  ended_by_signal = 0;
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) std::signal(signal, NoteSignal);
  Write(kEnter);
}

TerminalScreen::~TerminalScreen() {
  Write(kLeave);
  tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) std::signal(signal, SIG_DFL);
}

TerminalScreen::Size TerminalScreen::size() const {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {.width = window.ws_col, .height = window.ws_row};
}

void TerminalScreen::Draw(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\r\n" : "") + lines[i] + "\x1b[K";
  Write(text + "\x1b[J");
}

TerminalScreen::Pressed TerminalScreen::WaitForKey(std::chrono::milliseconds patience) {
  if (ended_by_signal != 0) return {.key = Key::kEnd};
  if (!typed_.empty()) return TakeKey();
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (poll(&input, 1, static_cast<int>(patience.count())) <= 0) return {};
  std::array<char, 64> bytes{};
  const auto count = read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count < 0 && errno == EINTR) return {};
  if (count <= 0) return {.key = Key::kEnd};
  typed_.assign(bytes.data(), static_cast<size_t>(count));
  return TakeKey();
}

TerminalScreen::Pressed TerminalScreen::TakeKey() {
  constexpr std::array<std::pair<std::string_view, Key>, 6> kSequences = {{{"\x1b[A", Key::kUp},
                                                                           {"\x1bOA", Key::kUp},
                                                                           {"\x1b[B", Key::kDown},
                                                                           {"\x1bOB", Key::kDown},
                                                                           {"\x1b[5~", Key::kPageUp},
                                                                           {"\x1b[6~", Key::kPageDown}}};
  for (const auto& [sequence, key] : kSequences) {
    if (!typed_.starts_with(sequence)) continue;
    typed_.erase(0, sequence.size());
    return {.key = key};
  }
  const char first = typed_.front();
  // Of other sequences nothing is taken for a key.
  if (first == kEscape) typed_.clear();
  if (first == kEscape) return {};
  typed_.erase(0, 1);
  if (first == kCtrlC || first == kCtrlD) return {.key = Key::kEnd};
  return {.key = Key::kCharacter, .character = first};
}

}  // namespace millrace::app
