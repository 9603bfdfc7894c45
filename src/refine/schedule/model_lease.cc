#include "refine/schedule/model_lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace millrace::refine {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr int kRenewalsInTime = 3;
constexpr auto kLookAgain = std::chrono::milliseconds(500);

std::string FolderOf(const std::string& model) { return ".millrace-leases/" + model + "/"; }

struct Written {
  int64_t number = 0;
  std::string holder;
  Timestamp until{};
};

/// What is no lease of ours holds nobody up.
Written Parse(int64_t number, const std::string& text) {
  Written written{.number = number, .holder = {}, .until = {}};
  const auto stored = json::parse(text, nullptr, false);
  if (!stored.is_object() || stored.value("version", json()) != json(kVersion)) return written;
  const auto holder = stored.value("holder", json()), until = stored.value("until", json());
  if (!holder.is_string() || !until.is_string()) return written;
  written.holder = holder.get<std::string>();
  written.until = ParseTimestamp(until.get<std::string>()).value_or(Timestamp{});
  return written;
}

/// The leases of one model, the newest last.
class Shelf {
 public:
  Shelf(io::ObjectStore& store, const std::string& model) : store_(store), folder_(FolderOf(model)) {}

  Written Newest() {
    int64_t newest = 0;
    store_.List(folder_, "", [&](const io::ObjectInfo& object) {
      int64_t number = 0;
      const auto digits = std::string_view(object.key).substr(folder_.size());
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error == std::errc() && end == digits.data() + digits.size()) newest = std::max(newest, number);
      return true;
    });
    if (newest == 0) return {};
    const auto text = store_.Get(KeyOf(newest));
    return text ? Parse(newest, *text) : Written{.number = newest, .holder = {}, .until = {}};
  }

  /// False when another was faster.
  bool Put(const Written& lease) {
    const auto text = json{{"version", kVersion}, {"holder", lease.holder}, {"until", FormatTimestamp(lease.until)}};
    if (store_.PutIfAbsent(KeyOf(lease.number), text.dump()) == io::PutOutcome::kExists) return false;
    if (lease.number > 1) store_.Delete(KeyOf(lease.number - 1));
    return true;
  }

 private:
  std::string KeyOf(int64_t number) const { return fmt::format("{}{:020}", folder_, number); }

  io::ObjectStore& store_;
  const std::string folder_;
};

}  // namespace

struct ModelLeases::Lease::State {
  State(io::ObjectStore& store, const std::string& model, Written taken, Duration lease_time, const Clock& with)
      : shelf(store, model), held(std::move(taken)), time(lease_time), clock(with) {
    renewer = std::jthread([this](const std::stop_token& stop) { Renew(stop); });
  }

  /// Until it is given back, or somebody else has it.
  void Renew(const std::stop_token& stop) {
    while (clock.SleepFor(time / kRenewalsInTime, stop)) {
      try {
        auto next = held;
        next.number += 1;
        next.until = clock.Now() + time;
        if (!shelf.Put(next)) {
          lost = true;
          return;
        }
        held = std::move(next);
      } catch (const Error& error) {
        LogWarning("the lease of a model is not renewed: {}; another process may run it too", error.what());
      }
    }
  }

  Shelf shelf;
  Written held;
  const Duration time;
  const Clock& clock;
  bool lost = false;
  std::jthread renewer;  // the last member: it works with the others
};

ModelLeases::Lease::Lease(std::unique_ptr<State> state) : state_(std::move(state)) {}

ModelLeases::Lease::~Lease() {
  state_->renewer.request_stop();
  state_->renewer.join();
  if (state_->lost) return;
  try {
    auto last = state_->held;
    last.number += 1;
    last.until = state_->clock.Now();
    state_->shelf.Put(last);
  } catch (const Error& error) {
    LogWarning("the lease of a model is not given back: {}; others wait until its time is over", error.what());
  }
}

ModelLeases::ModelLeases(io::ObjectStore& store, std::string holder, Duration time, const Clock& clock)
    : store_(store), holder_(std::move(holder)), time_(time), clock_(clock) {}

ModelLeases::Taken ModelLeases::TryTake(const std::string& model) {
  try {
    return Ask(model);
  } catch (const Error& error) {
    if (!told_.exchange(true))
      LogWarning("models are run without a lease: {}; another process may run one at the same time", error.what());
    return std::unique_ptr<Lease>();
  }
}

ModelLeases::Taken ModelLeases::Ask(const std::string& model) {
  Shelf shelf(store_, model);
  const auto newest = shelf.Newest();
  const auto now = clock_.Now();
  if (newest.until > now) return Held{newest.holder, newest.until};
  Written mine{.number = newest.number + 1, .holder = holder_, .until = now + time_};
  if (!shelf.Put(mine)) return Held{"another process", now + time_};
  return std::unique_ptr<Lease>(
      new Lease(std::make_unique<Lease::State>(store_, model, std::move(mine), time_, clock_)));
}

ModelLeases::Taken ModelLeases::Take(const std::string& model, const std::stop_token& stop) {
  for (;;) {
    auto taken = TryTake(model);
    if (!std::holds_alternative<Held>(taken) || !clock_.SleepFor(kLookAgain, stop)) return taken;
  }
}

}  // namespace millrace::refine
