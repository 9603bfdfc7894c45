#include "app/line_editor.h"

#include <histedit.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <iterator>
#include <utility>

#include "base/error.h"

namespace millrace::app {
namespace {

constexpr int kHistoryMax = 2000;
constexpr size_t kChoicesMax = 100;

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

constexpr char kInterruptKey = '\x03';

volatile sig_atomic_t interrupted = 0;

void OnInterrupt(int /*signal*/) { interrupted = 1; }

/// Waits for a byte. False with errno: EINTR when SIGINT came.
bool WaitForByte() {
  sigset_t open;
  pthread_sigmask(SIG_SETMASK, nullptr, &open);
  sigdelset(&open, SIGINT);
  while (true) {
    pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::ppoll(&wait, 1, nullptr, &open) >= 0) return true;
    if (errno != EINTR || interrupted != 0) return false;
  }
}

/// A key, as libedit asks for them: 1, 0 at the end, -1 with errno.
int ReadKey(EditLine* /*line*/, wchar_t* key) {
  std::mbstate_t begun{};
  while (true) {
    if (!WaitForByte()) return -1;
    char byte = 0;
    const auto count = ::read(STDIN_FILENO, &byte, 1);
    if (count == 0) return 0;
    if (count < 0) return -1;
    if (byte == kInterruptKey) {
      errno = EINTR;
      return -1;
    }
    const auto used = std::mbrtowc(key, &byte, 1, &begun);
    if (used <= 1) return 1;
    if (used == static_cast<size_t>(-1)) begun = {};  // no character of this terminal's
  }
}

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// What all of them begin with, whatever their letters' case.
std::string CommonStart(const std::vector<std::string>& words) {
  auto start = words.front();
  for (const auto& word : words) {
    const auto [end, other] = std::mismatch(start.begin(), start.end(), word.begin(), word.end(),
                                            [](char a, char b) { return Lower(a) == Lower(b); });
    start.erase(end, start.end());
  }
  return start;
}

}  // namespace

struct LineEditor::State {
  EditLine* line = nullptr;
  ::History* history = nullptr;
  std::filesystem::path file;
  Complete complete;
  std::string prompt;
  struct sigaction before {};

  static State& Of(EditLine* line) {
    void* state = nullptr;
    el_get(line, EL_CLIENTDATA, &state);
    return *static_cast<State*>(state);
  }
  static char* Prompt(EditLine* line) { return Of(line).prompt.data(); }
  static unsigned char OnTab(EditLine* line, int key);
};

unsigned char LineEditor::State::OnTab(EditLine* line, int /*key*/) {
  const auto* typed = el_line(line);
  const std::string_view before(typed->buffer, static_cast<size_t>(typed->cursor - typed->buffer));
  const auto word_length = std::find_if_not(before.rbegin(), before.rend(), IsWord) - before.rbegin();
  const auto word = before.substr(before.size() - static_cast<size_t>(word_length));
  auto words = Of(line).complete(before, word);
  if (words.empty()) return CC_REFRESH_BEEP;
  const auto start = CommonStart(words);
  const bool is_one = words.size() == 1;
  if (is_one || start.size() > word.size()) {
    // With the letters' case of the word that is meant.
    el_deletestr(line, static_cast<int>(word_length));
    el_insertstr(line, (start + (is_one ? " " : "")).c_str());
    return CC_REFRESH;
  }
  std::string choices = "\n";
  for (size_t i = 0; i < std::min(words.size(), kChoicesMax); ++i) choices += words[i] + "  ";
  if (words.size() > kChoicesMax) choices += "…";
  std::printf("%s\n", choices.c_str());
  return CC_REDISPLAY;
}

LineEditor::LineEditor(std::filesystem::path history, Complete complete) : state_(std::make_unique<State>()) {
  // Letters beyond ASCII are edited as such where the terminal has them.
  std::setlocale(LC_CTYPE, "");
  state_->file = std::move(history);
  state_->complete = std::move(complete);
  state_->line = el_init("millrace", stdin, stdout, stderr);
  state_->history = history_init();
  if (!state_->line || !state_->history)
    throw Error(ErrorCode::kUnavailable,
                "lines cannot be edited on this terminal; give the statement on the command line");
  HistEvent event{};
  ::history(state_->history, &event, H_SETSIZE, kHistoryMax);
  ::history(state_->history, &event, H_SETUNIQUE, 1);
  el_set(state_->line, EL_CLIENTDATA, state_.get());
  el_set(state_->line, EL_PROMPT, &State::Prompt);
  el_set(state_->line, EL_GETCFN, &ReadKey);
  el_set(state_->line, EL_SETTY, "-d", "-isig", nullptr);
  el_set(state_->line, EL_EDITOR, "emacs");
  el_set(state_->line, EL_HIST, ::history, state_->history);
  el_set(state_->line, EL_ADDFN, "complete", "the words that may stand here", &State::OnTab);
  el_set(state_->line, EL_BIND, "^I", "complete", nullptr);
  el_set(state_->line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  if (!state_->file.empty()) ::history(state_->history, &event, H_LOAD, state_->file.c_str());
  struct sigaction action {};
  action.sa_handler = &OnInterrupt;
  sigaction(SIGINT, &action, &state_->before);
}

LineEditor::~LineEditor() {
  sigaction(SIGINT, &state_->before, nullptr);
  el_end(state_->line);
  history_end(state_->history);
}

LineEditor::Outcome LineEditor::Read(const std::string& prompt, std::string& line) {
  state_->prompt = prompt;
  el_resize(state_->line);
  // Before the prompt, not with the first key: what is typed as soon as it stands there is edited too.
  el_set(state_->line, EL_PREP_TERM, 1);
  int length = 0;
  interrupted = 0;
  errno = 0;
  const char* text = el_gets(state_->line, &length);
  if (!text || length <= 0) return length < 0 && errno == EINTR ? Outcome::kInterrupted : Outcome::kEnd;
  line.assign(text, static_cast<size_t>(length));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return Outcome::kLine;
}

void LineEditor::Remember(const std::string& text) {
  HistEvent event{};
  ::history(state_->history, &event, H_ENTER, text.c_str());
  if (state_->file.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(state_->file.parent_path(), ignored);
  const auto before = ::umask(S_IRWXG | S_IRWXO);
  ::history(state_->history, &event, H_SAVE, state_->file.c_str());
  ::umask(before);
}

}  // namespace millrace::app
