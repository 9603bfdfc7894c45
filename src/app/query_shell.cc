#include "app/query_shell.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <set>
#include <thread>
#include <utility>

#include "app/lake.h"
#include "app/line_editor.h"
#include "app/paged_output.h"
#include "app/statement_input.h"
#include "base/clock.h"
#include "base/error.h"
#include "query/sql_text.h"

namespace millrace::app {
namespace {

constexpr const char* kHelp =
    "A statement ends with ';' and may take several lines. Tab completes names; Ctrl-C gives up what is typed or "
    "runs.\n"
    "  \\d          the tables and views\n"
    "  \\d NAME     the columns of one\n"
    "  \\timing     how long statements take, on or off\n"
    "  \\?          this\n"
    "  \\q          leave, as Ctrl-D does\n";

constexpr const char* kKeywords[] = {
    "AND",      "AS",        "ASC",     "BETWEEN", "BY",     "CASE",   "CAST",      "CROSS",  "DESC",
    "DESCRIBE", "DISTINCT",  "ELSE",    "END",     "EXCEPT", "EXISTS", "EXPLAIN",   "FALSE",  "FILTER",
    "FROM",     "FULL",      "GROUP",   "HAVING",  "IN",     "INNER",  "INTERSECT", "IS",     "JOIN",
    "LEFT",     "LIKE",      "LIMIT",   "NOT",     "NULL",   "OFFSET", "ON",        "OR",     "ORDER",
    "OVER",     "PARTITION", "QUALIFY", "RIGHT",   "SELECT", "SHOW",   "SUMMARIZE", "TABLES", "THEN",
    "TRUE",     "UNION",     "USING",   "VALUES",  "WHEN",   "WHERE",  "WINDOW",    "WITH"};

/// Where so many tables are, all of them are not opened for a Tab.
constexpr size_t kTablesOpenedMax = 50;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return lower;
}

sigset_t Interrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// A stop that SIGINT asks for.
class InterruptStop {
 public:
  InterruptStop() : waiter_([this](const std::stop_token& done) { Wait(done); }) {}
  std::stop_token token() const { return stop_.get_token(); }

 private:
  void Wait(const std::stop_token& done) {
    const auto signals = Interrupts();
    const timespec interval{.tv_sec = 0, .tv_nsec = 50'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&signals, nullptr, &interval) >= 0) stop_.request_stop();
    }
  }

  std::stop_source stop_;
  std::jthread waiter_;
};

int ScreenLines() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

/// The user's own, by the XDG base directories; empty when there is no home.
std::filesystem::path HistoryFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::filesystem::path(state) / "millrace" / "query_history";
  const char* home = std::getenv("HOME");
  return home && *home ? std::filesystem::path(home) / ".local/state/millrace/query_history" : std::filesystem::path();
}

/// Names of the lake, looked up when they are first asked for.
class Names {
 public:
  explicit Names(const QueryShell& shell) : shell_(shell) {}

  std::vector<std::string> Complete(std::string_view line, std::string_view word) {
    std::vector<std::string> words;
    const auto start = Lower(word);
    const auto take = [&](const std::string& name) {
      if (Lower(name).starts_with(start)) words.push_back(name);
    };
    try {
      for (const auto& name : Tables()) take(name);
      if (!line.starts_with("\\d")) {
        for (const auto& name : ColumnsFor(Lower(line))) take(name);
      }
    } catch (const Error&) {
      // A Tab is no place for errors; the statement will say it.
    }
    if (!word.empty() && !line.starts_with('\\')) {
      for (const auto* keyword : kKeywords) take(keyword);
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
  }

  /// What was typed before the line.
  std::string before;

 private:
  const std::vector<std::string>& Tables() {
    if (tables_.empty()) {
      for (const auto& name : AllTables(shell_.catalog)) tables_.push_back(ToString(name));
      for (const auto& [name, sql] : shell_.views) tables_.push_back(ToString(name));
    }
    return tables_;
  }

  /// Of the tables that the statement names so far, or of all where it names none.
  std::set<std::string> ColumnsFor(const std::string& line) {
    const auto statement = Lower(before) + line;
    std::set<std::string> named;
    std::set<std::string> all;
    bool names_any = false;
    const auto& tables = Tables();
    for (const auto& table : tables) {
      const bool is_named = statement.find(Lower(table)) != std::string::npos;
      if (!is_named && tables.size() > kTablesOpenedMax) continue;
      names_any = names_any || is_named;
      for (const auto& column : Columns(table)) {
        all.insert(column);
        if (is_named) named.insert(column);
      }
    }
    return names_any ? named : all;
  }

  const std::vector<std::string>& Columns(const std::string& table) {
    const auto [entry, is_new] = columns_.try_emplace(table);
    if (!is_new) return entry->second;
    const auto loaded = shell_.catalog.Load(catalog::ParseTableName(table));
    if (loaded) {
      for (const auto& field : loaded->metadata->schema().fields) entry->second.push_back(field.name);
    }
    return entry->second;
  }

  const QueryShell& shell_;
  std::vector<std::string> tables_;
  std::map<std::string, std::vector<std::string>> columns_;
};

class Loop {
 public:
  explicit Loop(const QueryShell& shell)
      : shell_(shell),
        names_(shell),
        editor_(HistoryFile(), [this](auto line, auto word) { return names_.Complete(line, word); }) {}

  void Run() {
    fmt::print("Statements end with ';'. \\? tells more, \\q leaves.\n");
    std::string line;
    while (!left_) {
      names_.before = input_.rest();
      std::fflush(stdout);
      const auto outcome = editor_.Read(input_.rest().empty() ? "millrace> " : "       -> ", line);
      if (outcome == LineEditor::Outcome::kEnd) break;
      if (outcome == LineEditor::Outcome::kInterrupted) {
        fmt::print("\n");
        input_.Clear();
      } else if (input_.rest().empty() && IsCommand(line)) {
        Command(line);
      } else {
        Take(line);
      }
    }
    if (!left_) fmt::print("\n");
  }

 private:
  static bool IsCommand(std::string_view line) {
    return line.starts_with('\\') || line == "exit" || line == "quit" ||
           line.find_first_not_of(" \t") == std::string_view::npos;
  }

  void Command(const std::string& line) {
    auto words = line.substr(0, line.find_last_not_of(" \t;") + 1);
    if (words.empty()) return;
    editor_.Remember(words);
    if (words == "\\q" || words == "exit" || words == "quit") {
      left_ = true;
    } else if (words == "\\?") {
      fmt::print("{}", kHelp);
    } else if (words == "\\timing") {
      timing_ = !timing_;
      fmt::print("timing is {}\n", timing_ ? "on" : "off");
    } else if (words == "\\d") {
      Answer("SHOW TABLES");
    } else if (words.starts_with("\\d ")) {
      Answer("DESCRIBE " + query::SqlName(catalog::ParseTableName(words.substr(words.find_first_not_of(" \t", 2)))));
    } else {
      fmt::print(stderr, "there is no {}; \\? lists what there is\n", words);
    }
  }

  void Take(const std::string& line) {
    input_.AddLine(line);
    while (auto statement = input_.Next()) {
      Remember(*statement);
      Answer(*statement);
    }
  }

  /// On one line, so that it is edited as one; where a comment ends with its line it stays as it is.
  void Remember(std::string statement) {
    if (statement.find("--") == std::string::npos) std::replace(statement.begin(), statement.end(), '\n', ' ');
    editor_.Remember(statement.substr(std::min(statement.find_first_not_of(" \n"), statement.size())) + ";");
  }

  void Answer(const std::string& sql) {
    const auto began = Clock::System().Steady();
    const InterruptStop stop;
    PagedOutput pages(ScreenLines());
    try {
      std::ostream out(&pages);
      const auto result = shell_.run(sql, stop.token());
      shell_.print(*result, out);
    } catch (const Error& error) {
      if (!pages.left()) fmt::print(stderr, "{}\n", error.what());
    }
    if (!timing_) return;
    const auto taken = std::chrono::duration<double>(Clock::System().Steady() - began);
    fmt::print(stderr, "{:.3f} s\n", taken.count());
  }

  const QueryShell& shell_;
  Names names_;
  LineEditor editor_;
  StatementInput input_;
  bool timing_ = false;
  bool left_ = false;
};

}  // namespace

InterruptGate::InterruptGate() {
  const auto signals = Interrupts();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a pager that is left
}

InterruptGate::~InterruptGate() {
  const auto signals = Interrupts();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void RunQueryShell(const QueryShell& shell) { Loop(shell).Run(); }

}  // namespace millrace::app
