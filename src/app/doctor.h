#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"

/// Checks of whatever a pipeline needs around it, before it is deployed.
namespace millrace::app {

enum class Verdict { kOk, kWarn, kFail };
std::string_view ToString(Verdict verdict);

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string says;  // one sentence
  std::string mend;  // what to do; empty: nothing
};

/// What one check has found so far. Thread-safe: it is read while the check goes on.
class Findings {
 public:
  void Ok(std::string says) { Add({Verdict::kOk, std::move(says), {}}); }
  void Warn(std::string says, std::string mend) { Add({Verdict::kWarn, std::move(says), std::move(mend)}); }
  void Fail(std::string says, std::string mend) { Add({Verdict::kFail, std::move(says), std::move(mend)}); }
  /// An Error says the mend itself, behind the last semicolon; `mend` is for one that does not.
  void Fail(const std::exception& failure, const std::string& mend);
  void Add(Finding finding);

  std::vector<Finding> all() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Finding> found_;
};

/// One thing that is looked at, by itself: it opens what it needs and takes away what it made.
struct DoctorCheck {
  std::string name;
  /// Runs on a thread of its own, whose requests the stop ends (io::OutagePatience). What it throws fails the check.
  std::function<void(Findings& findings, const std::stop_token& stop)> look;
};

struct CheckedUp {
  std::string name;
  std::vector<Finding> findings;
  std::chrono::duration<double> time{};
};

struct CheckUp {
  std::vector<CheckedUp> checks;  // in the order they were given
  /// False: a check did not end even when it was stopped, and its thread still runs. Leave the process by _exit.
  bool all_ended = true;

  Verdict verdict() const;
};

/// Runs all of them side by side, each for `limit` at most; one that takes longer, or that `stop` ends, fails. It then
/// has some seconds to clean up.
CheckUp RunChecks(std::vector<DoctorCheck> checks, std::chrono::milliseconds limit, const std::stop_token& stop);

}  // namespace millrace::app
