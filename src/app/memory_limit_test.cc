#include "app/memory_limit.h"

#include <gtest/gtest.h>

#include <fstream>

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

class MemoryLimitTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  std::optional<MemoryLimit> Find() { return FindMemoryLimit(folder_ / "proc", folder_ / "groups"); }

  const fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();

  void SetUp() override {
    fs::remove_all(folder_);
    Write("proc/meminfo", "MemTotal:       24000000 kB\nMemFree: 1 kB\n");
  }
  void TearDown() override { fs::remove_all(folder_); }
};

TEST_F(MemoryLimitTest, TheSmallestOfVersion2CountsUpToTheRoot) {
  Write("proc/self/cgroup", "0::/pods/one\n");
  Write("groups/pods/one/memory.max", "max\n");
  Write("groups/pods/memory.max", "536870912\n");
  const auto limit = Find();
  ASSERT_TRUE(limit);
  EXPECT_TRUE(limit->of_group);
  EXPECT_EQ(limit->bytes, 536870912);
}

TEST_F(MemoryLimitTest, InAContainerThePathIsTheHostsAndTheRootTells) {
  Write("proc/self/cgroup", "0::/../../kubepods/burstable/pod1\n");
  Write("groups/memory.max", "268435456\n");
  EXPECT_EQ(Find()->bytes, 268435456);
}

TEST_F(MemoryLimitTest, Version1WithoutALimitIsTheMachine) {
  Write("proc/self/cgroup", "9:name=systemd:/\n4:memory:/a/b\n0::/\n");
  Write("groups/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(Find()->of_group);
  EXPECT_EQ(Find()->bytes, int64_t{24000000} << 10);
  Write("groups/memory/a/memory.limit_in_bytes", "1073741824\n");
  EXPECT_TRUE(Find()->of_group);
  EXPECT_EQ(Find()->bytes, 1073741824);
}

TEST_F(MemoryLimitTest, NothingIsMadeUp) {
  fs::remove_all(folder_ / "proc");
  EXPECT_FALSE(Find());
}

}  // namespace
}  // namespace millrace::app
