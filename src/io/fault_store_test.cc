#include "io/fault_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "contract/object_store_contract.h"
#include "io/local_object_store.h"

namespace millrace::io {
namespace {

/// A fault store with no fault is a store like any other.
class FaultFixture : public ObjectStoreFixture {
 public:
  FaultFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "millrace-fault-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    local_ = LocalObjectStore::Open(folder_);
    store_ = std::make_unique<FaultStore>(*local_);
  }
  ~FaultFixture() override { std::filesystem::remove_all(folder_); }
  FaultStore& store() override { return *store_; }
  std::unique_ptr<ObjectStore> Reopen() override { return LocalObjectStore::Open(folder_); }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<LocalObjectStore> local_;
  std::unique_ptr<FaultStore> store_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Fault, ObjectStoreContract, FaultFixture);

TEST(FaultStore, FailsWithoutLanding) {
  FaultFixture fixture;
  fixture.store().Inject({.call = StoreCall::kPut, .key_contains = "plan", .skip = 1, .code = ErrorCode::kStop});
  EXPECT_EQ(fixture.store().PutIfAbsent("1.plan", "a"), PutOutcome::kCreated);
  EXPECT_EQ(fixture.store().PutIfAbsent("data", "a"), PutOutcome::kCreated);
  EXPECT_THROW(fixture.store().PutIfAbsent("2.plan", "b"), Error);
  EXPECT_EQ(fixture.store().Get("2.plan"), std::nullopt);
  EXPECT_EQ(fixture.store().PutIfAbsent("2.plan", "b"), PutOutcome::kCreated);
  EXPECT_EQ(fixture.store().fired(), 1);
}

TEST(FaultStore, LandsThenFails) {
  FaultFixture fixture;
  fixture.store().Inject({.call = StoreCall::kFinish, .effect = StoreFault::Effect::kLandThenFail});
  auto writer = fixture.store().OpenWriter("k");
  writer->Write("v");
  EXPECT_THROW(std::move(*writer).Finish(), Error);
  EXPECT_EQ(fixture.store().Get("k"), "v");
}

}  // namespace
}  // namespace millrace::io
