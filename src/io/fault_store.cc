#include "io/fault_store.h"

#include <fmt/format.h>

#include <stop_token>
#include <type_traits>

namespace millrace::io {

void FaultStore::Inject(StoreFault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultStore::Clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

int64_t FaultStore::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

std::optional<StoreFault> FaultStore::Take(StoreCall call, const std::string& key) {
  const std::lock_guard lock(mutex_);
  for (auto& fault : faults_) {
    if (fault.call != call || fault.times == 0 || key.find(fault.key_contains) == std::string::npos) continue;
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

template <typename Body>
auto FaultStore::Apply(StoreCall call, const std::string& key, Body&& body) {
  const auto fault = Take(call, key);
  if (!fault) return body();
  const Error error(fault->code, fmt::format("the store did not answer for '{}' (a fault on request)", key));
  switch (fault->effect) {
    case StoreFault::Effect::kFail:
      throw error;
    case StoreFault::Effect::kLandThenFail:
      body();
      throw error;
    case StoreFault::Effect::kDelay:
      clock_.SleepFor(fault->delay, std::stop_token());
      return body();
  }
  throw error;
}

class FaultStore::Writer final : public ObjectWriter {
 public:
  Writer(FaultStore& store, std::string key, std::unique_ptr<ObjectWriter> writer)
      : store_(store), key_(std::move(key)), writer_(std::move(writer)) {}

  void Write(std::string_view bytes) override {
    store_.Apply(StoreCall::kWrite, key_, [&] { writer_->Write(bytes); });
  }
  int64_t bytes_written() const override { return writer_->bytes_written(); }
  PutOutcome Finish() && override {
    return store_.Apply(StoreCall::kFinish, key_, [&] { return std::move(*writer_).Finish(); });
  }

 private:
  FaultStore& store_;
  std::string key_;
  std::unique_ptr<ObjectWriter> writer_;
};

PutOutcome FaultStore::PutIfAbsent(const std::string& key, std::string_view bytes) {
  return Apply(StoreCall::kPut, key, [&] { return store_.PutIfAbsent(key, bytes); });
}

PutOutcome FaultStore::PutHashed(const std::string& key, std::string_view bytes, const std::string& sha256) {
  return Apply(StoreCall::kPut, key, [&] { return store_.PutHashed(key, bytes, sha256); });
}

std::unique_ptr<ObjectWriter> FaultStore::OpenWriter(const std::string& key) {
  return std::make_unique<Writer>(*this, key, store_.OpenWriter(key));
}

std::optional<std::string> FaultStore::Get(const std::string& key) {
  return Apply(StoreCall::kGet, key, [&] { return store_.Get(key); });
}

std::optional<int64_t> FaultStore::Size(const std::string& key) {
  return Apply(StoreCall::kSize, key, [&] { return store_.Size(key); });
}

std::string FaultStore::GetRange(const std::string& key, int64_t offset, int64_t length) {
  return Apply(StoreCall::kGetRange, key, [&] { return store_.GetRange(key, offset, length); });
}

void FaultStore::List(const std::string& prefix, const std::string& after,
                      const std::function<bool(const ObjectInfo&)>& visit) {
  Apply(StoreCall::kList, prefix, [&] { store_.List(prefix, after, visit); });
}

void FaultStore::Delete(const std::string& key) {
  Apply(StoreCall::kDelete, key, [&] { store_.Delete(key); });
}

}  // namespace millrace::io
