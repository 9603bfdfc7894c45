#include "app/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/duration.h"
#include "io/outage_patience.h"

namespace millrace::app {
namespace {

using std::chrono::milliseconds;

/// For taking away what a check has put somewhere.
constexpr milliseconds kCleanUpTime{5000};

/// What the checks' threads and their waiter share; it outlives a thread that hangs.
struct Ward {
  std::mutex mutex;
  std::condition_variable_any changed;
  size_t running = 0;
};

struct Patient {
  DoctorCheck check;
  Findings findings;
  std::stop_source stop;
  SteadyTime begun{};
  std::optional<SteadyTime> ended;  // under the ward's mutex
};

void Examine(Patient& patient) {
  const io::OutagePatience stoppable(patient.stop.get_token(), {});
  try {
    patient.check.look(patient.findings, patient.stop.get_token());
  } catch (const std::exception& failure) {
    if (!patient.stop.stop_requested()) patient.findings.Fail(failure, {});
  }
}

void Discharge(Ward& ward, Patient& patient) {
  const std::lock_guard lock(ward.mutex);
  patient.ended = Clock::System().Steady();
  --ward.running;
  ward.changed.notify_all();
}

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "fail";
  }
  return "fail";
}

void Findings::Fail(const std::exception& failure, const std::string& mend) {
  std::string text = failure.what();
  // A consolation of errors of files, where nothing has been at stake.
  constexpr std::string_view kConsolation = "; nothing that was confirmed is lost";
  if (text.ends_with(kConsolation)) text.resize(text.size() - kConsolation.size());
  auto at = text.rfind("; ");
  // Errors of files say it behind a colon.
  const auto* error = dynamic_cast<const Error*>(&failure);
  if (at == std::string::npos && error != nullptr && error->code() == ErrorCode::kStop) at = text.rfind(": ");
  if (at == std::string::npos) return Fail(std::move(text), mend);
  Fail(text.substr(0, at), text.substr(at + 2));
}

void Findings::Add(Finding finding) {
  const std::lock_guard lock(mutex_);
  found_.push_back(std::move(finding));
}

std::vector<Finding> Findings::all() const {
  const std::lock_guard lock(mutex_);
  return found_;
}

Verdict CheckUp::verdict() const {
  auto worst = Verdict::kOk;
  for (const auto& check : checks) {
    for (const auto& finding : check.findings) worst = std::max(worst, finding.verdict);
  }
  return worst;
}

CheckUp RunChecks(std::vector<DoctorCheck> checks, milliseconds limit, const std::stop_token& stop) {
  const auto ward = std::make_shared<Ward>();
  std::vector<std::shared_ptr<Patient>> patients;
  std::vector<std::thread> threads;
  ward->running = checks.size();
  for (auto& check : checks) {
    auto patient = std::make_shared<Patient>();
    patient->check = std::move(check);
    patient->begun = Clock::System().Steady();
    threads.emplace_back([ward, patient] {
      Examine(*patient);
      Discharge(*ward, *patient);
    });
    patients.push_back(std::move(patient));
  }

  std::unique_lock lock(ward->mutex);
  const auto all_ended = [&] { return ward->running == 0; };
  ward->changed.wait_for(lock, stop, limit, all_ended);
  for (const auto& patient : patients) {
    if (patient->ended) continue;
    patient->findings.Fail(
        stop.stop_requested() ? "stopped before it had ended" : "no answer within " + FormatDuration(limit),
        stop.stop_requested() ? "run it again" : "see whether what it asks is up, or give it more time with --timeout");
    patient->stop.request_stop();
  }
  ward->changed.wait_for(lock, kCleanUpTime, all_ended);

  CheckUp up;
  const auto now = Clock::System().Steady();
  for (size_t i = 0; i < patients.size(); ++i) {
    const auto& patient = *patients[i];
    up.all_ended = up.all_ended && patient.ended;
    up.checks.push_back({patient.check.name, patient.findings.all(), patient.ended.value_or(now) - patient.begun});
  }
  lock.unlock();
  for (size_t i = 0; i < patients.size(); ++i) {
    // What hangs in a library is left behind.
    patients[i]->ended ? threads[i].join() : threads[i].detach();
  }
  return up;
}

}  // namespace millrace::app
