#include "query/object_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "io/fault_store.h"
#include "judge/python.h"

namespace millrace::query {
namespace {

using testing::HasSubstr;

class ObjectCacheTest : public testing::Test {
 protected:
  ObjectCacheTest() {
    for (const auto* key : {"t/a", "t/b", "t/c"}) store_->PutIfAbsent(key, std::string(100, key[2]));
  }
  ObjectCache Cache(int64_t bytes_max = 1000) { return {faults_, folder_.path() / "cache", bytes_max}; }
  std::string Copy(const std::string& key) { return judge::Slurp(folder_.File("cache/objects/" + key)); }

  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(folder_.path() / "store");
  io::FaultStore faults_{*store_};
};

TEST_F(ObjectCacheTest, WhatIsThereIsNotFetchedAgain) {
  auto cache = Cache();
  cache.Fetch({{"t/a", 100}, {"t/b", 100}});
  EXPECT_EQ(Copy("t/a"), std::string(100, 'a'));
  faults_.Inject({.call = io::StoreCall::kGetRange, .times = 100});
  Cache().Fetch({{"t/a", 100}, {"t/b", 100}});
  EXPECT_EQ(faults_.fired(), 0);
  EXPECT_THROW(cache.Fetch({{"t/a", 100}, {"t/c", 100}}), Error);
  EXPECT_EQ(Copy("t/c"), "") << "a fetch that failed leaves nothing";
}

TEST_F(ObjectCacheTest, SizesMustBeWhatTheTableSays) {
  auto cache = Cache();
  try {
    cache.Fetch({{"t/a", 99}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("has 100 bytes and its table says 99"));
  }
  EXPECT_THROW(cache.Fetch({{"t/none", 1}}), Error);
  cache.Fetch({{"t/a", 100}});
  judge::Spill(folder_.File("cache/objects/t/a"), "cut short by something else");
  cache.Fetch({{"t/a", 100}});
  EXPECT_EQ(Copy("t/a"), std::string(100, 'a'));
}

TEST_F(ObjectCacheTest, TheLeastRecentlyUsedGoesUnlessHeld) {
  auto cache = Cache(200);
  for (const auto* key : {"t/a", "t/b", "t/a", "t/c"}) {
    cache.Fetch({{key, 100}});
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // file times are coarse
  }
  auto hold = cache.Hold();
  Cache(200).Trim();
  EXPECT_NE(Copy("t/b"), "") << "held, by another handle";
  hold.reset();
  cache.Trim();
  EXPECT_EQ(Copy("t/b"), "");
  EXPECT_NE(Copy("t/a"), "");
  EXPECT_NE(Copy("t/c"), "");
}

TEST_F(ObjectCacheTest, ManyFetchAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { Cache().Fetch({{"t/a", 100}, {"t/b", 100}, {"t/c", 100}}); });
  threads.clear();
  for (const auto* key : {"t/a", "t/b", "t/c"}) EXPECT_EQ(Copy(key), std::string(100, key[2]));
}

}  // namespace
}  // namespace millrace::query
