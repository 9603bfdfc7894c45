#include "catalog/fault_catalog.h"

#include <stop_token>
#include <utility>

#include "base/error.h"

namespace millrace::catalog {
namespace {

Error NoAnswer() { return {ErrorCode::kUnavailable, "the catalogue did not answer (a fault on request)"}; }

}  // namespace

void FaultCatalog::Inject(CatalogFault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(fault);
}

void FaultCatalog::Clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

int64_t FaultCatalog::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

std::vector<CommitResult> FaultCatalog::LandLate() {
  std::vector<std::function<CommitResult()>> requests;
  {
    const std::lock_guard lock(mutex_);
    requests = std::exchange(held_, {});
  }
  std::vector<CommitResult> results;
  for (const auto& request : requests) results.push_back(request());
  return results;
}

std::optional<CatalogFault> FaultCatalog::Take(CatalogCall call) {
  const std::lock_guard lock(mutex_);
  for (CatalogFault& fault : faults_) {
    if (fault.call != call || fault.times == 0) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    --fault.times;
    ++fired_;
    return fault;
  }
  return std::nullopt;
}

CommitResult FaultCatalog::Send(CatalogCall call, std::function<CommitResult()> request) {
  const auto fault = Take(call);
  if (!fault) return request();
  const Unknown unknown{NoAnswer().message()};
  switch (fault->effect) {
    case CatalogFault::Effect::kFail:
      throw NoAnswer();
    case CatalogFault::Effect::kLoseRequest:
      return unknown;
    case CatalogFault::Effect::kLoseAnswer:
      request();
      return unknown;
    case CatalogFault::Effect::kLandLate: {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(request));
      return unknown;
    }
    case CatalogFault::Effect::kDelay:
      clock_.SleepFor(fault->delay, std::stop_token());
      return request();
  }
  return unknown;
}

std::optional<LoadedTable> FaultCatalog::Load(const TableName& name) {
  const auto fault = Take(CatalogCall::kLoad);
  if (fault && fault->effect != CatalogFault::Effect::kDelay) throw NoAnswer();
  if (fault) clock_.SleepFor(fault->delay, std::stop_token());
  return catalog_.Load(name);
}

CommitResult FaultCatalog::Create(const CreateTable& request) {
  return Send(CatalogCall::kCreate, [this, request] { return catalog_.Create(request); });
}

CommitResult FaultCatalog::Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                                  const std::vector<table::Update>& updates) {
  return Send(CatalogCall::kCommit,
              [this, name, requirements, updates] { return catalog_.Commit(name, requirements, updates); });
}

}  // namespace millrace::catalog
