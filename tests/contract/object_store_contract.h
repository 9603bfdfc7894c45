#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "io/digest.h"
#include "io/object_store.h"

/// What every ObjectStore does. In the test file of an implementation: derive from ObjectStoreFixture, then
/// INSTANTIATE_TYPED_TEST_SUITE_P(Name, ObjectStoreContract, MyFixture).
namespace millrace::io {

/// `store()` is empty and another handle of the same place comes from `Reopen()`.
class ObjectStoreFixture {
 public:
  virtual ~ObjectStoreFixture() = default;
  virtual ObjectStore& store() = 0;
  virtual std::unique_ptr<ObjectStore> Reopen() = 0;
  /// What this machine lacks to run it, as a sentence; empty: nothing.
  virtual std::string Lacks() const { return {}; }
};

template <typename Fixture>
class ObjectStoreContract : public testing::Test {
 protected:
  void SetUp() override {
    const auto lacks = fixture_.Lacks();
    if (!lacks.empty()) GTEST_SKIP() << lacks;
    fixture_.store();  // made before threads share it
  }

  ObjectStore& store() { return fixture_.store(); }

  std::vector<std::string> Keys(const std::string& prefix = "", const std::string& after = "") {
    std::vector<std::string> keys;
    store().List(prefix, after, [&](const ObjectInfo& info) {
      keys.push_back(info.key);
      return true;
    });
    return keys;
  }

  Fixture fixture_;
};
TYPED_TEST_SUITE_P(ObjectStoreContract);

TYPED_TEST_P(ObjectStoreContract, PutThenGet) {
  const std::string bytes("a\0b\n\xff", 5);
  EXPECT_EQ(this->store().PutIfAbsent("x/y/z.bin", bytes), PutOutcome::kCreated);
  EXPECT_EQ(this->store().Get("x/y/z.bin"), bytes);
  EXPECT_EQ(this->store().Size("x/y/z.bin"), 5);
  EXPECT_EQ(this->fixture_.Reopen()->Get("x/y/z.bin"), bytes);
}

TYPED_TEST_P(ObjectStoreContract, PutWithItsDigest) {
  const std::string bytes(1000, 'a');
  const auto sha256 = Hex(Sha256(bytes));
  EXPECT_EQ(this->store().PutHashed("hashed", bytes, sha256), PutOutcome::kCreated);
  EXPECT_EQ(this->store().PutHashed("hashed", bytes, sha256), PutOutcome::kExists);
  EXPECT_EQ(this->store().Get("hashed"), bytes);
}

TYPED_TEST_P(ObjectStoreContract, NothingIsOverwritten) {
  EXPECT_EQ(this->store().PutIfAbsent("k", "first"), PutOutcome::kCreated);
  EXPECT_EQ(this->store().PutIfAbsent("k", "second, longer"), PutOutcome::kExists);
  auto writer = this->store().OpenWriter("k");
  writer->Write("third");
  EXPECT_EQ(std::move(*writer).Finish(), PutOutcome::kExists);
  EXPECT_EQ(this->store().Get("k"), "first");
}

TYPED_TEST_P(ObjectStoreContract, AbsentIsNullopt) {
  this->store().PutIfAbsent("folder/k", "1");
  EXPECT_EQ(this->store().Get("nothing"), std::nullopt);
  EXPECT_EQ(this->store().Size("folder"), std::nullopt);
  EXPECT_EQ(this->store().Get("folder"), std::nullopt);
  EXPECT_EQ(this->store().Get("folder/k/below"), std::nullopt);
}

TYPED_TEST_P(ObjectStoreContract, EmptyObject) {
  EXPECT_EQ(this->store().PutIfAbsent("empty", ""), PutOutcome::kCreated);
  EXPECT_EQ(this->store().Get("empty"), "");
  EXPECT_EQ(this->store().Size("empty"), 0);
}

TYPED_TEST_P(ObjectStoreContract, WriterShowsNothingBeforeFinish) {
  const std::string block(300'000, 'b');
  auto writer = this->store().OpenWriter("w/big");
  for (int i = 0; i < 10; ++i) writer->Write(block);
  writer->Write("end");
  EXPECT_EQ(writer->bytes_written(), 3'000'003);
  EXPECT_EQ(this->store().Size("w/big"), std::nullopt);
  EXPECT_TRUE(this->Keys().empty());
  EXPECT_EQ(std::move(*writer).Finish(), PutOutcome::kCreated);
  EXPECT_EQ(this->store().Size("w/big"), 3'000'003);
  EXPECT_EQ(this->store().GetRange("w/big", 2'999'998, 5), "bbend");
}

TYPED_TEST_P(ObjectStoreContract, UnfinishedWriterLeavesNothing) {
  this->store().OpenWriter("w/lost")->Write("some");
  EXPECT_EQ(this->store().Get("w/lost"), std::nullopt);
  EXPECT_TRUE(this->Keys().empty());
  EXPECT_EQ(this->store().PutIfAbsent("w/lost", "now"), PutOutcome::kCreated);
}

TYPED_TEST_P(ObjectStoreContract, RangesAreExact) {
  this->store().PutIfAbsent("r", "0123456789");
  EXPECT_EQ(this->store().GetRange("r", 0, 10), "0123456789");
  EXPECT_EQ(this->store().GetRange("r", 3, 4), "3456");
  EXPECT_EQ(this->store().GetRange("r", 10, 0), "");
  EXPECT_THROW(this->store().GetRange("r", 8, 3), Error);
  EXPECT_THROW(this->store().GetRange("r", 11, 0), Error);
  EXPECT_THROW(this->store().GetRange("missing", 0, 1), Error);
}

TYPED_TEST_P(ObjectStoreContract, ListsInByteOrderOfKeys) {
  // '-' and '.' sort before '/': a walk folder by folder would put a/b too early.
  const std::vector<std::string> sorted = {"a-b", "a.b", "a/b", "a/b.c", "a/b/c", "a0", "b/1", "b/10", "b/2"};
  for (auto it = sorted.rbegin(); it != sorted.rend(); ++it) {
    if (*it != "a/b") this->store().PutIfAbsent(*it, *it);
  }
  std::vector<std::string> expected = sorted;
  std::erase(expected, "a/b");
  EXPECT_EQ(this->Keys(), expected);
  EXPECT_EQ(this->Keys("b/1"), (std::vector<std::string>{"b/1", "b/10"}));
  EXPECT_EQ(this->Keys("a/"), (std::vector<std::string>{"a/b.c", "a/b/c"}));
  EXPECT_EQ(this->Keys("", "a/b/c"), (std::vector<std::string>{"a0", "b/1", "b/10", "b/2"}));
  EXPECT_EQ(this->Keys("b/", "b/1"), (std::vector<std::string>{"b/10", "b/2"}));
  EXPECT_EQ(this->Keys("", "a/b0"), (std::vector<std::string>{"a0", "b/1", "b/10", "b/2"}));
  EXPECT_TRUE(this->Keys("zzz").empty());
}

TYPED_TEST_P(ObjectStoreContract, ListStopsWhenAsked) {
  for (const auto* key : {"1", "2/a", "2/b", "3"}) this->store().PutIfAbsent(key, "x");
  std::vector<std::string> keys;
  this->store().List("", "", [&](const ObjectInfo& info) {
    keys.push_back(info.key);
    EXPECT_EQ(info.size, 1);
    return keys.size() < 2;
  });
  EXPECT_EQ(keys, (std::vector<std::string>{"1", "2/a"}));
}

TYPED_TEST_P(ObjectStoreContract, DeleteIsIdempotent) {
  this->store().PutIfAbsent("d/1", "x");
  this->store().Delete("d/1");
  this->store().Delete("d/1");
  this->store().Delete("never/was");
  EXPECT_EQ(this->store().Get("d/1"), std::nullopt);
  EXPECT_EQ(this->store().PutIfAbsent("d/1", "again"), PutOutcome::kCreated);
}

TYPED_TEST_P(ObjectStoreContract, KeysThatLeaveTheRootAreRefused) {
  for (const std::string key :
       {"", "/abs", "..", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", "a?b", "a#b", "a\nb"}) {
    EXPECT_THROW(this->store().PutIfAbsent(key, "x"), Error) << key;
    EXPECT_THROW(this->store().Get(key), Error) << key;
    EXPECT_THROW(this->store().OpenWriter(key), Error) << key;
    EXPECT_THROW(this->store().Delete(key), Error) << key;
  }
  EXPECT_THROW(this->store().PutIfAbsent(std::string("a\0b", 3), "x"), Error);
  EXPECT_TRUE(this->Keys().empty());
}

TYPED_TEST_P(ObjectStoreContract, UrisRoundTrip) {
  for (const std::string key : {"top", "a/b c/d=1%2F2",
                                "k\xc3\xbc"
                                "che/x+y",
                                "t/day=2021-07-21/f.parquet"}) {
    const auto uri = this->store().UriOf(key);
    EXPECT_NE(uri.find("://"), std::string::npos) << uri;
    EXPECT_EQ(this->store().KeyOf(uri), key) << uri;
    EXPECT_EQ(this->store().PutIfAbsent(key, key), PutOutcome::kCreated);
    EXPECT_EQ(this->store().Get(key), key);
  }
  const auto uri = this->store().UriOf("a");
  EXPECT_EQ(this->store().KeyOf(uri.substr(0, uri.size() - 1) + "../x"), std::nullopt);
  EXPECT_EQ(this->store().KeyOf("other://elsewhere/a"), std::nullopt);
  EXPECT_EQ(this->store().KeyOf(uri.substr(0, uri.size() - 2) + "-other/a"), std::nullopt);
}

TYPED_TEST_P(ObjectStoreContract, OneWinnerInARace) {
  constexpr int kRacers = 8;
  std::vector<PutOutcome> outcomes(kRacers, PutOutcome::kExists);
  {
    std::vector<std::jthread> racers;
    for (int i = 0; i < kRacers; ++i) {
      racers.emplace_back(
          [&, i] { outcomes[static_cast<size_t>(i)] = this->store().PutIfAbsent("deep/er/race", std::to_string(i)); });
    }
  }
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), PutOutcome::kCreated), 1);
  const auto winner = std::find(outcomes.begin(), outcomes.end(), PutOutcome::kCreated) - outcomes.begin();
  EXPECT_EQ(this->store().Get("deep/er/race"), std::to_string(winner));
  EXPECT_EQ(this->Keys(), (std::vector<std::string>{"deep/er/race"}));
}

REGISTER_TYPED_TEST_SUITE_P(ObjectStoreContract, PutThenGet, PutWithItsDigest, NothingIsOverwritten, AbsentIsNullopt,
                            EmptyObject, WriterShowsNothingBeforeFinish, UnfinishedWriterLeavesNothing, RangesAreExact,
                            ListsInByteOrderOfKeys, ListStopsWhenAsked, DeleteIsIdempotent,
                            KeysThatLeaveTheRootAreRefused, UrisRoundTrip, OneWinnerInARace);

}  // namespace millrace::io
