#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "io/object_store.h"

namespace millrace::io {

enum class StoreCall { kPut, kWrite, kFinish, kGet, kSize, kGetRange, kList, kDelete };

/// What goes wrong, and when.
struct StoreFault {
  enum class Effect {
    kFail,          // nothing happens, an Error comes back
    kLandThenFail,  // it happens, an Error comes back: the answer was lost
    kDelay,         // it happens, later
  };
  StoreCall call = StoreCall::kPut;
  Effect effect = Effect::kFail;
  std::string key_contains{};  // empty: every key (for kList: prefix)
  int64_t skip = 0;            // matching calls that pass first
  int64_t times = 1;           // matching calls that are hit then
  ErrorCode code = ErrorCode::kUnavailable;
  std::chrono::milliseconds delay{0};
};

/// A store whose calls fail on request, for tests of whoever uses one. Thread-safe; borrows the store and the clock.
class FaultStore final : public ObjectStore {
 public:
  explicit FaultStore(ObjectStore& store, const Clock& clock = Clock::System()) : store_(store), clock_(clock) {}

  void Inject(StoreFault fault);
  void Clear();
  /// Calls that were hit so far.
  int64_t fired() const;

  PutOutcome PutIfAbsent(const std::string& key, std::string_view bytes) override;
  PutOutcome PutHashed(const std::string& key, std::string_view bytes, const std::string& sha256) override;
  std::unique_ptr<ObjectWriter> OpenWriter(const std::string& key) override;
  std::optional<std::string> Get(const std::string& key) override;
  std::optional<int64_t> Size(const std::string& key) override;
  std::string GetRange(const std::string& key, int64_t offset, int64_t length) override;
  void List(const std::string& prefix, const std::string& after,
            const std::function<bool(const ObjectInfo&)>& visit) override;
  void Delete(const std::string& key) override;
  std::string UriOf(const std::string& key) const override { return store_.UriOf(key); }
  std::optional<std::string> KeyOf(std::string_view uri) const override { return store_.KeyOf(uri); }

 private:
  class Writer;

  /// Runs `body` with the first fault that matches applied to it.
  template <typename Body>
  auto Apply(StoreCall call, const std::string& key, Body&& body);
  std::optional<StoreFault> Take(StoreCall call, const std::string& key);

  ObjectStore& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<StoreFault> faults_;
  int64_t fired_ = 0;
};

}  // namespace millrace::io
