#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "app/connect_client.h"
#include "app/terminal_screen.h"
#include "app/top_page.h"
#include "app/top_report.h"
#include "app/verbs.h"
#include "base/error.h"
#include "config/value_types.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr milliseconds kShortestEvery{100};
/// The answer about models reads the lake.
constexpr auto kModelsEvery = std::chrono::seconds(5);
/// As many as the last run of each model is likely to be among.
constexpr auto kRunsPath = "/api/v1/runs?limit=500";
/// How soon a key, or a new size of the terminal, is seen.
constexpr milliseconds kKeyPatience{50};

struct TopArguments {
  WorkerPlace place;
  std::string every = "1s";
  std::string sort = "name";
  bool reversed = false;
  bool once = false;
};

/// Looks at the process again and again, in a thread of its own: it may take a while to answer.
class Observer {
 public:
  Observer(ConnectClient& client, milliseconds every) : client_(client), every_(every) {}

  /// Error kUnavailable when nobody answers.
  void Look(const std::stop_token& stop);
  void Begin() {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }

  /// Grows with each look.
  int looks() const { return looks_; }
  ordered_json report() const {
    const std::lock_guard lock(mutex_);
    return report_.Build();
  }
  /// Why the last look saw nothing; empty: it did.
  std::string trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  void Run(const std::stop_token& stop);
  void LookAtModels(const std::stop_token& stop);

  ConnectClient& client_;
  const milliseconds every_;
  ordered_json models_ = ordered_json::array();
  ordered_json runs_ = ordered_json::array();
  std::optional<SteadyTime> models_at_;
  std::atomic<int> looks_ = 0;
  mutable std::mutex mutex_;
  TopReport report_;
  std::string trouble_;
  std::jthread thread_;  // last: it ends before what it uses
};

void Observer::LookAtModels(const std::stop_token& stop) {
  const auto now = Clock::System().Steady();
  const bool all_ran = std::ranges::none_of(models_, [](const auto& model) { return model.at("outcome").is_null(); });
  if (models_at_ && all_ran && now - *models_at_ < kModelsEvery) return;
  models_ = client_.Ask("GET", "/api/v1/models", std::nullopt, stop);
  if (!models_.empty()) runs_ = client_.Ask("GET", kRunsPath, std::nullopt, stop);
  models_at_ = now;
}

void Observer::Look(const std::stop_token& stop) {
  auto status = client_.Ask("GET", "/api/v1/status", std::nullopt, stop);
  if (!status.is_object() || !status.contains("tables")) {
    throw Error(ErrorCode::kUnavailable, client_.url() + " answers, and is no pipeline of this program");
  }
  const auto at = Clock::System().Steady();
  LookAtModels(stop);
  const std::lock_guard lock(mutex_);
  report_.Add({.at = at, .status = std::move(status), .models = models_, .runs = runs_});
  trouble_.clear();
  ++looks_;
}

void Observer::Run(const std::stop_token& stop) {
  while (Clock::System().SleepFor(every_, stop)) {
    try {
      Look(stop);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      trouble_ = error.what();
      ++looks_;
    }
  }
}

ExitCode PrintOnce(Observer& observer, const Session& session, const TopPageOptions& options, milliseconds every) {
  observer.Look({});
  Clock::System().SleepFor(every, {});
  observer.Look({});
  const auto report = observer.report();
  if (session.json) {
    fmt::print("{}\n", report.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    for (const auto& line : RenderTop(report, options).lines) fmt::print("{}\n", line);
  }
  return ExitCode::kDone;
}

/// False when it is the end.
bool Obey(const TerminalScreen::Pressed& pressed, TopPageOptions& options, size_t skipped_max) {
  using Key = TerminalScreen::Key;
  const auto page = static_cast<size_t>(std::max(options.height / 2, 1));
  switch (pressed.key) {
    case Key::kEnd:
      return false;
    case Key::kUp:
      options.skipped -= std::min<size_t>(options.skipped, 1);
      break;
    case Key::kDown:
      options.skipped = std::min(options.skipped + 1, skipped_max);
      break;
    case Key::kPageUp:
      options.skipped -= std::min(options.skipped, page);
      break;
    case Key::kPageDown:
      options.skipped = std::min(options.skipped + page, skipped_max);
      break;
    case Key::kCharacter:
      if (pressed.character == 'q') return false;
      if (pressed.character == 's') options.sort = NextSort(options.sort);
      if (pressed.character == 'r') options.reversed = !options.reversed;
      if (pressed.character == ' ' || pressed.character == 'p') options.paused = !options.paused;
      break;
    case Key::kNone:
      break;
  }
  return true;
}

ExitCode ShowOnTerminal(Observer& observer, TopPageOptions options) {
  observer.Look({});
  observer.Begin();
  options.colours = TerminalScreen::WantsColours();
  TerminalScreen screen;
  auto report = observer.report();
  int shown = -1;
  TerminalScreen::Size size;
  bool changed = true;
  for (;;) {
    const auto looks = observer.looks();
    if (!options.paused && looks != shown) {
      report = observer.report();
      options.trouble = observer.trouble();
      shown = looks;
      changed = true;
    }
    if (screen.size() != size) changed = true;
    size = screen.size();
    options.width = size.width;
    options.height = size.height;
    const auto page = RenderTop(report, options);
    if (changed) screen.Draw(page.lines);
    const auto pressed = screen.WaitForKey(kKeyPatience);
    changed = pressed.key != TerminalScreen::Key::kNone;
    if (!Obey(pressed, options, page.skipped_max)) return ExitCode::kDone;
  }
}

TopSort SortNamed(const std::string& name) {
  for (auto sort = TopSort::kName;; sort = NextSort(sort)) {
    if (ToString(sort) == name) return sort;
    if (sort == TopSort::kRejected) break;
  }
  throw Error(ErrorCode::kUsage, fmt::format("--sort takes name, lag, age, in, out or rejects, not '{}'", name));
}

ExitCode Top(const Session& session, const TopArguments& arguments) {
  const auto every = config::ParseDuration(arguments.every);
  if (!every || *every < kShortestEvery)
    throw Error(ErrorCode::kUsage, fmt::format("--every takes 100ms or more, not '{}'", arguments.every));
  TopPageOptions options;
  options.sort = SortNamed(arguments.sort);
  options.reversed = arguments.reversed;
  ConnectClient client(session, arguments.place);
  Observer observer(client, *every);
  if (arguments.once || session.json || !TerminalScreen::IsThere())
    return PrintOnce(observer, session, options, *every);
  return ShowOnTerminal(observer, options);
}

}  // namespace

void AddTop(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<TopArguments>();
  auto* verb = AddVerb(
      root, session, "top", "A running pipeline at a glance, live: rates, lag, rejects, memory, models, connectors",
      [&session, arguments] { return Top(session, *arguments); },
      "  millrace top\n"
      "  millrace top --url https://millrace.example:8443 --sort lag     MILLRACE_TOKEN is its token\n"
      "  millrace top --once                                             print it and exit\n"
      "Keys: q ends it, s sorts tables by the next column, r turns the order, space pauses, arrows scroll.");
  AddWorkerOptions(*verb, arguments->place);
  verb->add_option("--every", arguments->every, "How often it looks [1s]; --once looks twice, so far apart");
  verb->add_option("--sort", arguments->sort, "Tables by name, lag, age, in, out or rejects [name]");
  verb->add_flag("--reverse", arguments->reversed, "The other way round");
  verb->add_flag("--once", arguments->once, "Print it once, without colours; so does standard output elsewhere");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
