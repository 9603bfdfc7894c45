#include "land/key_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "base/random.h"
#include "land/judge.h"
#include "land/key_run.h"

namespace millrace::land {
namespace {

std::vector<KeyHash> RandomKeys(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<KeyHash> keys(count);
  for (auto& key : keys) key = {.high = random.Next(), .low = random.Next()};
  return keys;
}

std::unique_ptr<KeyRun> Write(const std::string& path, std::vector<KeyHash> keys) {
  std::ranges::sort(keys);
  size_t at = 0;
  const auto next = [&]() -> std::optional<KeyEntry> {
    return at == keys.size() ? std::nullopt : std::optional(KeyEntry{.key = keys[at++]});
  };
  return KeyRun::Write(path, KeyRun::Form::kKeys, static_cast<int64_t>(keys.size()), next);
}

TEST(KeyRun, HoldsItsKeysAndNoOthersAfterReopening) {
  const testing::TempFolder folder;
  const auto keys = RandomKeys(100'000, 1);
  Write(folder / "a.run", keys);
  const auto run = KeyRun::Open(folder / "a.run", KeyRun::Form::kKeys);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->size(), 100'000);
  for (const auto& key : keys) ASSERT_TRUE(run->Holds(key));
  for (const auto& key : RandomKeys(100'000, 2)) ASSERT_FALSE(run->Holds(key));
}

TEST(KeyRun, OneFlippedBitIsFound) {
  const testing::TempFolder folder;
  const std::string path = folder / "a.run";
  Write(path, RandomKeys(1000, 3));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(5000);
  const char byte = static_cast<char>(file.get());
  file.seekp(5000);
  file.put(static_cast<char>(byte ^ 4));
  file.close();
  EXPECT_EQ(KeyRun::Open(path, KeyRun::Form::kKeys), nullptr);
  std::filesystem::resize_file(path, 100);
  EXPECT_EQ(KeyRun::Open(path, KeyRun::Form::kKeys), nullptr);
}

TEST(BloomFilter, IsSeldomWrong) {
  BloomFilter filter(100'000);
  for (const auto& key : RandomKeys(100'000, 4)) filter.Add(key);
  for (const auto& key : RandomKeys(100'000, 4)) ASSERT_TRUE(filter.MayHold(key));
  const auto others = RandomKeys(100'000, 5);
  EXPECT_LT(std::ranges::count_if(others, [&](const auto& key) { return filter.MayHold(key); }), 1500);
}

TEST(KeyIndex, ChunksBeyondMemoryAreClaimedOnce) {
  const testing::TempFolder folder;
  KeyIndex index(folder.path() / "keys", {"id"});
  const auto keys = RandomKeys((size_t{1} << 20) + 5000, 6);  // one more than stay in memory
  const auto first = index.Claim(keys);
  EXPECT_EQ(std::ranges::count(first, true), static_cast<int64_t>(keys.size()));
  const auto again = index.Claim(keys);
  EXPECT_EQ(std::ranges::count(again, true), 0);
  EXPECT_EQ(index.pending(), static_cast<int64_t>(keys.size()));
  index.Forget();
  EXPECT_EQ(index.pending(), 0);
  const auto later = index.Claim(std::span(keys).first(100));
  EXPECT_EQ(std::ranges::count(later, true), 100);
}

}  // namespace
}  // namespace millrace::land
