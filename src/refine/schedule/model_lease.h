#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/duration.h"
#include "io/object_store.h"

namespace millrace::refine {

/// Of several processes that share a lake one runs a model at a time: whoever made the newest object below the model's
/// name, each created only if absent, until the time in it is over or it says that it was given back. It saves work and
/// nothing else: what a run commits starts from the snapshots it was made from, so of two runs that come after all, as
/// when clocks are far apart or a process was suspended, one is overtaken. Thread-safe; borrows store and clock.
///
///   <warehouse>/.millrace-leases/<model>/<number, 20 digits>      {"version":1,"holder":..,"until":".."}   frozen
class ModelLeases {
 public:
  /// `holder`: this process, for people. `time`: how long after it was last heard of others wait for it.
  ModelLeases(io::ObjectStore& store, std::string holder, Duration time, const Clock& clock = Clock::System());

  /// Held until it goes; a thread renews it.
  class Lease {
   public:
    ~Lease();

   private:
    friend class ModelLeases;
    struct State;
    explicit Lease(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  struct Held {
    std::string by;
    Timestamp until{};  // unless it is heard of again
  };
  /// Null when the store does not take leases, which is said once: a run is not to fail for that.
  using Taken = std::variant<std::unique_ptr<Lease>, Held>;
  Taken TryTake(const std::string& model);
  /// Waits for who has it. Held when stopped meanwhile.
  Taken Take(const std::string& model, const std::stop_token& stop);

 private:
  Taken Ask(const std::string& model);

  io::ObjectStore& store_;
  const std::string holder_;
  const Duration time_;
  const Clock& clock_;
  std::atomic<bool> told_ = false;
};

}  // namespace millrace::refine
